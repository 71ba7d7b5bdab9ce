//! Reads a manifest, as far as a registry has to understand it.

use std::collections::{BTreeMap, HashMap};

use crate::excerpt::Excerpt;
use crate::media_type::{self, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST};
use crate::members::Members;
use crate::strict_json::{self, Json, Path};
use crate::{Descriptor, Digest, ManifestError};

/// The largest sum of annotations of a manifest with a subject, names and values together, in bytes. Lists of
/// referrers repeat them.
pub const MAX_ANNOTATIONS: usize = 256 << 10;

/// Limits for a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestLimits {
    /// The largest number of descriptors, including its subject and repetitions.
    pub descriptors: usize,
    /// How many arrays and objects may be nested, the outermost included; at most [`DEEPEST`](crate::DEEPEST).
    pub nesting: usize,
}

impl Default for ManifestLimits {
    fn default() -> Self {
        Self { descriptors: 1_000, nesting: 64 }
    }
}

/// The members of a manifest, of any kind.
const MEMBERS: [&str; 9] = [
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "fsLayers",
];

/// The kinds of manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ManifestKind {
    /// An image: a configuration and layers.
    Image,
    /// An index: a list of other manifests.
    Index,
}

/// The facts that a registry needs to know about a manifest. The bytes themselves are kept unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestView {
    /// One of the four types for which [`media_type::is_manifest`] holds.
    pub media_type: String,
    /// Its kind, which follows from the media type.
    pub kind: ManifestKind,
    /// The content that the repository must have as blobs, in the order of the manifest, each digest once. For an
    /// image: configuration and layers. For an index: entries that are no manifests, as in build caches.
    pub blobs: Vec<Descriptor>,
    /// The manifests that the repository must have, in the order of the index, each digest once. Empty for an image.
    pub children: Vec<Descriptor>,
    /// The manifest that this one refers to. The repository need not have it.
    pub subject: Option<Descriptor>,
    /// The type of the artifact: its `artifactType`, else an image's `config.mediaType` (distribution specification,
    /// "Listing Referrers").
    pub artifact_type: Option<String>,
    /// The annotations of the manifest: notes by name.
    pub annotations: BTreeMap<String, String>,
}

impl ManifestView {
    /// Reads the body of a PUT with its `Content-Type`.
    ///
    /// Image manifests and indexes of OCI and Docker are accepted, if they can be read in only one way. The type is
    /// the `mediaType` inside. An OCI manifest may leave `mediaType` out. Then the `Content-Type` is its type. If
    /// both are there, they must be equal. Members that the specifications do not name are ignored. A list that is
    /// empty, `null` or missing means the same. So does a type that is empty, `null` or missing. Programs in Go
    /// write and read them like this.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] names the place and the fault. Faults are: not JSON; more of anything than the default
    /// [`ManifestLimits`]; a member twice in one object or in another letter case; more than 250,000 values; no media
    /// type or an unsupported one, including Docker's schema 1; `config` or `layers` together with `manifests`;
    /// a member of a wrong type; a descriptor without `mediaType`, `digest` or `size`; two sizes for one
    /// digest; `data` that does not match its digest.
    pub fn parse(body: &[u8], content_type: Option<&str>) -> Result<ManifestView, ManifestError> {
        Self::parse_within(&ManifestLimits::default(), body, content_type)
    }

    /// Reads a manifest as [`parse`](Self::parse) does, with other limits.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_within(
        limits: &ManifestLimits,
        body: &[u8],
        content_type: Option<&str>,
    ) -> Result<ManifestView, ManifestError> {
        let mut members = Members::known(strict_json::parse(body, limits.nesting)?, &Path::Root, &MEMBERS)?;
        require_schema_2(&mut members)?;
        let media_type = media_type(&mut members, content_type)?;
        members.forbidden("fsLayers", "it belongs to manifests of schema 1")?;
        let artifact_type = members.nonempty_text("artifactType")?;
        let mut view = ManifestView {
            media_type: media_type.to_owned(),
            kind: if media_type::is_index(media_type) { ManifestKind::Index } else { ManifestKind::Image },
            blobs: Vec::new(),
            children: Vec::new(),
            subject: None,
            artifact_type: artifact_type.map(std::borrow::Cow::into_owned),
            annotations: members.text_map("annotations")?,
        };
        let subject = members.optional("subject");
        if subject.is_some() {
            require_short(&view.annotations, &members)?;
        }
        let beside = usize::from(subject.is_some());
        match view.kind {
            ManifestKind::Image => view.read_image(&mut members, beside, limits.descriptors)?,
            ManifestKind::Index => view.read_index(&mut members, beside, limits.descriptors)?,
        }
        view.subject = subject
            .map(|subject| Descriptor::read(subject, &Path::Member(&Path::Root, "subject")))
            .transpose()?;
        Ok(view)
    }

    /// An image's configuration.
    pub fn config(&self) -> Option<&Descriptor> {
        // The configuration comes before the layers.
        self.blobs.first().filter(|_| self.kind == ManifestKind::Image)
    }

    fn read_image(
        &mut self,
        members: &mut Members<'_, '_>,
        beside: usize,
        most: usize,
    ) -> Result<(), ManifestError> {
        members.forbidden("manifests", "it belongs to an index, and this is an image manifest")?;
        let config = members.required("config", "an object")?;
        let layers = members.optional_list("layers")?;
        require_few("layers", layers.len() + 1 + beside, most)?;

        let mut blobs = Unique::default();
        let path = Path::Member(&Path::Root, "config");
        let config = Descriptor::read(config, &path)?;
        self.artifact_type.get_or_insert_with(|| config.media_type.clone());
        blobs.push(config, &path)?;
        let path = Path::Member(&Path::Root, "layers");
        for (index, layer) in layers.into_iter().enumerate() {
            let path = Path::Item(&path, index);
            blobs.push(Descriptor::read(layer, &path)?, &path)?;
        }
        self.blobs = blobs.descriptors;
        Ok(())
    }

    fn read_index(
        &mut self,
        members: &mut Members<'_, '_>,
        beside: usize,
        most: usize,
    ) -> Result<(), ManifestError> {
        members.forbidden("config", "it belongs to an image manifest, and this is an index")?;
        members.forbidden("layers", "it belongs to an image manifest, and this is an index")?;
        let manifests = members.optional_list("manifests")?;
        require_few("manifests", manifests.len() + beside, most)?;

        let (mut children, mut blobs) = (Unique::default(), Unique::default());
        let path = Path::Member(&Path::Root, "manifests");
        for (index, entry) in manifests.into_iter().enumerate() {
            let path = Path::Item(&path, index);
            let entry = Descriptor::read(entry, &path)?;
            if is_blob(&entry.media_type) { &mut blobs } else { &mut children }.push(entry, &path)?;
        }
        self.children = children.descriptors;
        self.blobs = blobs.descriptors;
        Ok(())
    }
}

fn require_short(
    annotations: &BTreeMap<String, String>,
    members: &Members<'_, '_>,
) -> Result<(), ManifestError> {
    let bytes: usize = annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_ANNOTATIONS {
        let problem = format!("must have at most {MAX_ANNOTATIONS} bytes beside a subject, has {bytes}");
        return Err(members.error("annotations", problem));
    }
    Ok(())
}

/// Whether an entry of an index is a blob: any media type that no registry has ever used for manifests.
fn is_blob(entry: &str) -> bool {
    !(media_type::is_manifest(entry)
        || media_type::is_schema1(entry)
        || entry == media_type::OCI_ARTIFACT_MANIFEST)
}

fn require_schema_2(members: &mut Members<'_, '_>) -> Result<(), ManifestError> {
    let problem = match members.required("schemaVersion", "2")? {
        Json::Unsigned(2) => return Ok(()),
        Json::Unsigned(1) => {
            "must be 2: manifests of schema 1 are not supported, push with a current client".into()
        }
        Json::Unsigned(other) => format!("must be 2, is {other}"),
        Json::OtherNumber => "must be 2, is another number".into(),
        other => format!("must be 2, is {}", other.kind()),
    };
    Err(members.error("schemaVersion", problem))
}

/// The type of the manifest, as one of our constants.
fn media_type(
    members: &mut Members<'_, '_>,
    content_type: Option<&str>,
) -> Result<&'static str, ManifestError> {
    let declared = members.nonempty_text("mediaType")?;
    let announced = content_type.map(media_type::essence).filter(|essence| !essence.is_empty());
    let Some(given) = declared.as_deref().or(announced) else {
        let problem = "must say what the manifest is, or the Content-Type of the request must";
        return Err(members.error("mediaType", problem));
    };
    if let Some(announced) = announced.filter(|announced| !announced.eq_ignore_ascii_case(given)) {
        let problem = format!("is {}, but the Content-Type is {}", Excerpt(given), Excerpt(announced));
        return Err(members.error("mediaType", problem));
    }
    let supported = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST].into_iter();
    let found = match &declared {
        // The case of a header's value does not matter. Readers of manifests compare `mediaType` exactly.
        None => supported.into_iter().find(|supported| supported.eq_ignore_ascii_case(given)),
        Some(_) => supported.into_iter().find(|supported| *supported == given),
    };
    let Some(media_type) = found else {
        let problem = format!("is {}, which is not supported as the type of a manifest", Excerpt(given));
        return Err(members.error("mediaType", problem));
    };
    if declared.is_none() && matches!(media_type, DOCKER_MANIFEST | DOCKER_MANIFEST_LIST) {
        return Err(members.error("mediaType", format!("must be {media_type}, is missing")));
    }
    Ok(media_type)
}

fn require_few(name: &str, descriptors: usize, most: usize) -> Result<(), ManifestError> {
    if descriptors <= most {
        return Ok(());
    }
    let problem = format!("must not be so many: a manifest has at most {most} descriptors");
    Err(ManifestError::new(&Path::Member(&Path::Root, name), problem))
}

/// Descriptors in order, with each digest once.
#[derive(Default)]
struct Unique {
    sizes: HashMap<Digest, u64>,
    descriptors: Vec<Descriptor>,
}

impl Unique {
    fn push(&mut self, descriptor: Descriptor, path: &Path<'_>) -> Result<(), ManifestError> {
        match self.sizes.insert(descriptor.digest, descriptor.size) {
            None => self.descriptors.push(descriptor),
            Some(size) if size == descriptor.size => {}
            Some(size) => {
                let problem = format!("must be {size}, the size that the same digest has before");
                return Err(ManifestError::new(&Path::Member(path, "size"), problem));
            }
        }
        Ok(())
    }
}

//! Repositories and their manifests, for callers who may read them.

use super::page::{MAX_RESULTS, NEXT_TOKEN};
use crate::describe::Map;
use crate::macros::structure;
use crate::pattern::NOT_BLANK;
use crate::{Range, Shape, Timestamp};

const REPOSITORY: Shape = Shape::text("RepositoryName", Range { min: Some(1), max: Some(255) }, &NOT_BLANK);
const PREFIX: Shape = Shape::text("RepositoryPrefix", Range { min: Some(1), max: Some(255) }, &NOT_BLANK);
const TAG_PREFIX: Shape = Shape::text("TagPrefix", Range { min: Some(1), max: Some(128) }, &NOT_BLANK);
const REFERENCE: Shape = Shape::text("TagOrDigest", Range { min: Some(1), max: Some(256) }, &NOT_BLANK);

structure! {
    /// Which repositories to show.
    pub struct ListRepositoriesRequest: Default {
        /// Only repositories whose names begin with this.
        "prefix" prefix: Option<String> as &PREFIX,
        /// How many repositories to show at the most; up to 1000 if not given.
        "maxResults" max_results: Option<i32> as &MAX_RESULTS,
        /// The nextToken of the page before.
        "nextToken" next_token: Option<String> as &REPOSITORY,
    }
}

structure! {
    /// The repositories.
    pub struct ListRepositoriesResult: Default {
        /// The repositories that the caller's logins may be for, by name; a page may be empty although another
        /// follows.
        "repositories" repositories: Vec<RepositorySummary>,
        /// The token for the next page, if there is one.
        "nextToken" next_token: Option<String>,
    }
}

structure! {
    /// A repository.
    pub struct RepositorySummary: Default {
        /// Its name.
        "repository" repository: String,
        /// When its newest manifest was pushed.
        "newestAt" newest_at: Option<Timestamp>,
    }
}

structure! {
    /// Which manifests to show.
    pub struct ListManifestsRequest: Default {
        /// The repository.
        "repository" repository: String as &REPOSITORY,
        /// Only manifests with a tag that begins with this.
        "tagPrefix" tag_prefix: Option<String> as &TAG_PREFIX,
        /// Whether to also show manifests that belong to another one and have no tag: entries of an index, and
        /// referrers.
        "withParts" with_parts: Option<bool>,
        /// How many manifests to show at the most; up to 100 if not given, and no more than 100.
        "maxResults" max_results: Option<i32> as &MAX_RESULTS,
        /// The nextToken of the page before.
        "nextToken" next_token: Option<String> as &NEXT_TOKEN,
    }
}

structure! {
    /// The manifests.
    pub struct ListManifestsResult: Default {
        /// The manifests, the newest first; a page may be empty although another follows.
        "manifests" manifests: Vec<ManifestSummary>,
        /// The token for the next page, if there is one.
        "nextToken" next_token: Option<String>,
    }
}

structure! {
    /// A manifest in a list.
    pub struct ManifestSummary {
        /// Its digest.
        "digest" digest: String,
        /// The media type, as the client declared it.
        "mediaType" media_type: String,
        /// The type of the artifact, if it is one.
        "artifactType" artifact_type: Option<String>,
        /// The digest of the manifest that it refers to.
        "subject" subject: Option<String>,
        /// When it was pushed.
        "createdAt" created_at: Timestamp,
        /// Its tags in byte order, up to 100.
        "tags" tags: Vec<String>,
        /// The bytes of its layers, as they are stored; missing for an index, whose platforms have their own
        /// layers.
        "layersSize" layers_size: Option<f64>,
        /// The number of manifests that it lists, if it is an index.
        "children" children: Option<i32>,
    }
}

structure! {
    /// Which manifest to show.
    pub struct GetManifestRequest: Default {
        /// The repository.
        "repository" repository: String as &REPOSITORY,
        /// A tag, or a digest.
        "reference" reference: String as &REFERENCE,
    }
}

structure! {
    /// The manifest.
    pub struct GetManifestResult {
        /// The manifest.
        "manifest" manifest: ManifestDetail,
    }
}

structure! {
    /// A manifest, with its parts and what keeps it from being collected.
    pub struct ManifestDetail {
        /// Its digest.
        "digest" digest: String,
        /// The media type, as the client declared it.
        "mediaType" media_type: String,
        /// The type of the artifact, if it is one.
        "artifactType" artifact_type: Option<String>,
        /// The bytes of the manifest itself.
        "size" size: f64,
        /// When it was pushed.
        "createdAt" created_at: Timestamp,
        /// Its tags in byte order, up to 100.
        "tags" tags: Vec<String>,
        /// Its annotations.
        "annotations" annotations: Option<Map<String>>,
        /// The bytes of its layers, as they are stored.
        "layersSize" layers_size: Option<f64>,
        /// Its layers, the lowest first.
        "layers" layers: Option<Vec<ManifestPart>>,
        /// Its configuration, if it is an image of a container and has one of at most 4 MiB.
        "configuration" configuration: Option<ImageConfiguration>,
        /// The manifests that it lists, if it is an index.
        "children" children: Option<Vec<ManifestPart>>,
        /// The digest of the manifest that it refers to.
        "subject" subject: Option<String>,
        /// The manifests that refer to it, the oldest first, up to 100.
        "referrers" referrers: Vec<ManifestPart>,
        /// Whether there are more referrers.
        "moreReferrers" more_referrers: Option<bool>,
        /// The registered images that consist of it or contain it, up to 20 of each.
        "heldByImages" held_by_images: Vec<String>,
        /// The services whose deployments run it, up to 20.
        "heldByServices" held_by_services: Vec<String>,
        /// The digests of the indexes of the repository that list it, up to 20.
        "heldByIndexes" held_by_indexes: Vec<String>,
        /// The seconds of the server's running time until it may be collected as garbage, if nothing references it by
        /// then.
        "collectedInSeconds" collected_in_seconds: Option<f64>,
    }
}

structure! {
    /// A part of a manifest, or a referrer.
    pub struct ManifestPart: Default {
        /// Its digest.
        "digest" digest: String,
        /// Its media type.
        "mediaType" media_type: String,
        /// Its length in bytes.
        "size" size: f64,
        /// The type of the artifact.
        "artifactType" artifact_type: Option<String>,
        /// The platform that it is for, as in linux/arm64/v8.
        "platform" platform: Option<String>,
        /// For a manifest in an index, the bytes of its layers; missing if it was not read.
        "layersSize" layers_size: Option<f64>,
        /// Its annotations.
        "annotations" annotations: Option<Map<String>>,
    }
}

structure! {
    /// The configuration of an image. Its texts are those of the image's builder.
    pub struct ImageConfiguration: Default {
        /// The platform that it is for, as in linux/arm64/v8.
        "platform" platform: Option<String>,
        /// When it was built.
        "created" created: Option<String>,
        /// Who built it.
        "author" author: Option<String>,
        /// The user that it runs as.
        "user" user: Option<String>,
        /// The folder that its program starts in.
        "workingDirectory" working_directory: Option<String>,
        /// The program that is started, and its first arguments.
        "entrypoint" entrypoint: Option<Vec<String>>,
        /// The arguments of that program, or the program itself if there is no entry point.
        "command" command: Option<Vec<String>>,
        /// The variables of its environment, NAME=VALUE.
        "environment" environment: Option<Vec<String>>,
        /// The ports that it listens on, as in 80/tcp.
        "exposedPorts" exposed_ports: Option<Vec<String>>,
        /// The paths where it keeps data.
        "volumes" volumes: Option<Vec<String>>,
        /// The signal that stops it.
        "stopSignal" stop_signal: Option<String>,
        /// Its labels.
        "labels" labels: Option<Map<String>>,
        /// The steps of its build, in order.
        "history" history: Option<Vec<BuildStep>>,
    }
}

structure! {
    /// A step of a build.
    pub struct BuildStep: Default {
        /// The command of the step.
        "createdBy" created_by: Option<String>,
        /// When the step was done.
        "created" created: Option<String>,
        /// The comment about the step.
        "comment" comment: Option<String>,
        /// Whether the step made no layer.
        "isEmpty" is_empty: bool,
    }
}

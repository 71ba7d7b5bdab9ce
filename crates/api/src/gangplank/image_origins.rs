//! Where images came from: who pushed them, and who registered them.

use crate::describe::Map;
use crate::macros::structure;
use crate::pattern::IMAGE_OR_DIGEST;
use crate::{Range, Shape, Timestamp};

const IMAGE: Shape = Shape::text("ImageOrDigest", Range::ANY, &IMAGE_OR_DIGEST);

structure! {
    /// The image to ask about.
    pub struct GetImageOriginRequest: Default {
        /// A registered image, :SERVICE.LABEL.NUMBER, or a digest.
        "image" image: String as &IMAGE,
    }
}

structure! {
    /// Where the image came from.
    pub struct GetImageOriginResult: Default {
        /// The digest of the image.
        "digest" digest: String,
        /// Who pushed it, each once, the first first. Asked for by its digest: each once for a repository.
        "pushes" pushes: Vec<ImageOrigin>,
        /// Who registered it, the first registration first. Of a registered image, that registration alone.
        "registrations" registrations: Vec<ImageOrigin>,
    }
}

structure! {
    /// Who pushed or registered an image. It is kept for as long as the image, also after the session, the login and the
    /// key are gone.
    pub struct ImageOrigin: Default {
        /// When it was registered.
        "at" at: Option<Timestamp>,
        /// The repository that it was pushed to.
        "repository" repository: Option<String>,
        /// The name that it was registered as.
        "image" image: Option<String>,
        /// The ARN of the role or the access key.
        "principal" principal: String,
        /// The access key, if it was one.
        "accessKeyId" access_key_id: Option<String>,
        /// The description of the access key.
        "description" description: Option<String>,
        /// The name of the role, if it was one.
        "roleName" role_name: Option<String>,
        /// The name of the session of the role.
        "sessionName" session_name: Option<String>,
        /// What the issuer said of the job, such as its subject, repository, ref, commit and run.
        "claims" claims: Option<Map<String>>,
    }
}

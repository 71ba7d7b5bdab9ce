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
        /// Everybody who pushed it, each once, in order of their first push. For a digest: each once for every
        /// repository.
        "pushes" pushes: Vec<ImageOrigin>,
        /// Everybody who registered it, in order. For a registered image, only that registration.
        "registrations" registrations: Vec<ImageOrigin>,
    }
}

structure! {
    /// A principal who pushed or registered an image. It is kept as long as the image, also after the session, the
    /// login and the key are gone.
    pub struct ImageOrigin: Default {
        /// When it was registered.
        "at" at: Option<Timestamp>,
        /// The repository that it was pushed to.
        "repository" repository: Option<String>,
        /// The name that it was registered as.
        "image" image: Option<String>,
        /// The ARN of the role or the access key.
        "principal" principal: String,
        /// The access key, if it is one.
        "accessKeyId" access_key_id: Option<String>,
        /// The description of the access key.
        "description" description: Option<String>,
        /// The name of the role, if it is one.
        "roleName" role_name: Option<String>,
        /// The name of the session of the role.
        "sessionName" session_name: Option<String>,
        /// The claims that the issuer made about the job, such as its subject, repository, ref, commit and run.
        "claims" claims: Option<Map<String>>,
    }
}

//! Registered images.

use crate::Timestamp;
use crate::macros::structure;

use super::names::{CONTAINER_LABEL, CONTAINER_SERVICE_NAME, DIGEST, IMAGE};

structure! {
    /// The pushed image to register on a container service.
    pub struct RegisterContainerImageRequest: Default {
        /// The name of the service that is to use the image.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The label of the image on that service; several images may have the same label.
        "label" label: String as &CONTAINER_LABEL,
        /// The digest that the push printed, such as `sha256:` and 64 hexadecimal digits.
        "digest" digest: String as &DIGEST,
    }
}

structure! {
    /// The image under its new name.
    pub struct RegisterContainerImageResult: Default {
        /// The registered image.
        "containerImage" container_image: Option<ContainerImage>,
    }
}

structure! {
    /// The image to push and register. No operation has this input; it is that of the AWS CLI's command
    /// `push-container-image`.
    pub struct PushContainerImageRequest: Default {
        /// The name of the service that is to use the image.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The name of the image in the container engine of this machine, such as `app:latest`.
        "image" image: String,
        /// The label of the image on that service; several images may have the same label.
        "label" label: String as &CONTAINER_LABEL,
    }
}

structure! {
    /// The service whose images to show.
    pub struct GetContainerImagesRequest: Default {
        /// The name of the service.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
    }
}

structure! {
    /// The images that are registered on a container service.
    pub struct GetContainerImagesResult: Default {
        /// The images, the newest first.
        "containerImages" container_images: Option<Vec<ContainerImage>>,
    }
}

structure! {
    /// The registered image to remove from its service.
    pub struct DeleteContainerImageRequest: Default {
        /// The name of the service that has the image.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The name under which the image is registered, `:service.label.N`.
        "image" image: String as &IMAGE,
    }
}

structure! {
    /// Nothing: the image is gone.
    pub struct DeleteContainerImageResult: Default {}
}

structure! {
    /// An image that is registered on a container service.
    pub struct ContainerImage: Default {
        /// Its name, `:service.label.N`.
        "image" image: Option<String>,
        /// Its digest.
        "digest" digest: Option<String>,
        /// When it was registered.
        "createdAt" created_at: Option<Timestamp>,
    }
}

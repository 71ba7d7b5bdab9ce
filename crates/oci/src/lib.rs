//! The words and wire rules of container images and of the OCI Distribution API

//! The services: the control API and the registry over HTTP

//! The constrained strings and numbers that several structures share.

use crate::pattern::{
    ARN, DIGEST as DIGEST_FORM, DOMAIN, IMAGE_NAME, NAME, NOT_BLANK, RESOURCE_NAME as RESOURCE_FORM,
};
use crate::pattern::{TAG_KEY as KEY_FORM, TAG_VALUE as VALUE_FORM};
use crate::{Field, Kind, Range, Shape};

use super::Container;

/// The name of a container service.
pub(crate) const CONTAINER_SERVICE_NAME: Shape = Shape::text("ContainerServiceName", length(1, 63), &NAME);
/// The label of a registered image.
pub(crate) const CONTAINER_LABEL: Shape = Shape::text("ContainerLabel", length(1, 53), &NAME);
/// The name of a container in a deployment.
pub(crate) const CONTAINER_NAME: Shape =
    Shape::text("ContainerName", length(1, 53), &NAME).titled("Container name");
/// The containers of a deployment, by name.
pub(crate) const CONTAINER_MAP: Shape = Shape::map(&CONTAINER_NAME, Container::SHAPE);
/// The number of nodes of a service.
pub(crate) const SCALE: Shape = Shape::integer("ContainerServiceScale", 1, 20);
/// The domain names of a service, by certificate.
pub(crate) const PUBLIC_DOMAINS: Shape = Shape::map(String::SHAPE, &Shape::list(&DOMAIN_NAME));
const DOMAIN_NAME: Shape = Shape::text("string", Range::ANY, &DOMAIN);
/// The digest of a manifest.
pub(crate) const DIGEST: Shape = Shape::text("string", Range::ANY, &DIGEST_FORM);
/// The name of a registered image.
pub(crate) const IMAGE: Shape = Shape::text("string", Range::ANY, &IMAGE_NAME);
/// A string that is not empty.
pub(crate) const NON_EMPTY_STRING: Shape = Shape::text("NonEmptyString", Range::ANY, &NOT_BLANK);
/// The name of a resource of any kind.
pub(crate) const RESOURCE_NAME: Shape = Shape::text("ResourceName", Range::ANY, &RESOURCE_FORM);
/// The Amazon resource name of a resource.
pub(crate) const RESOURCE_ARN: Shape = Shape::text("ResourceArn", Range::ANY, &ARN);
/// The key of a tag.
pub(crate) const TAG_KEY: Shape = Shape::text("TagKey", Range::ANY, &KEY_FORM);
/// The value of a tag.
pub(crate) const TAG_VALUE: Shape = Shape::text("TagValue", Range::ANY, &VALUE_FORM);
/// The seconds that one data point of a metric covers.
pub(crate) const METRIC_PERIOD: Shape = Shape::integer("MetricPeriod", 60, 86_400);
/// A timestamp, under the second of the model's two names for it.
pub(crate) const TIMESTAMP: Shape = Shape { name: "timestamp", kind: Kind::Timestamp };

const fn length(min: i32, max: i32) -> Range {
    Range { min: Some(min), max: Some(max) }
}

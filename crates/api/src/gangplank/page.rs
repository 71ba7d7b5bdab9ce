//! Lists in pages.

use crate::pattern::IDENTIFIER;
use crate::{Range, Shape};

/// The number of entries on a page.
pub(super) const MAX_RESULTS: Shape = Shape::integer("MaxResults", 1, 1_000);

/// The position of a page, as the page before gave it.
pub(super) const NEXT_TOKEN: Shape = Shape::text("NextToken", Range::ANY, &IDENTIFIER);

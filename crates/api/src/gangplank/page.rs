//! Lists that are told a page at a time.

use crate::pattern::IDENTIFIER;
use crate::{Range, Shape};

/// How many a page may have.
pub(super) const MAX_RESULTS: Shape = Shape::integer("MaxResults", 1, 1_000);

/// Where a page begins, as the page before said it.
pub(super) const NEXT_TOKEN: Shape = Shape::text("NextToken", Range::ANY, &IDENTIFIER);

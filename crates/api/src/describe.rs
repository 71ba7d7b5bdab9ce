//! The description of a shape. Validation, options, skeletons and manual pages are made from it.

use std::collections::BTreeMap;

use crate::{ApiError, Pattern, Target};

/// A JSON object whose keys are data, such as the environment of a container.
pub type Map<V> = BTreeMap<String, V>;

/// A JSON object whose members are known.
#[derive(Debug, Clone, Copy)]
pub struct Structure {
    /// Its name in the service model.
    pub name: &'static str,
    /// One sentence on its meaning.
    pub documentation: &'static str,
    /// Its members, in the order of the service model.
    pub members: &'static [Member],
}

impl Structure {
    /// The member with a wire name.
    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

/// One member of a structure.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its name on the wire.
    pub name: &'static str,
    /// The values that the member may have.
    pub shape: &'static Shape,
    /// Whether it has to be there.
    pub required: bool,
    /// One sentence on its meaning.
    pub documentation: &'static str,
}

/// The constraints of a value.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Its name in the service model. A list has the name `list`, and a map the name `map`. Neither is shown.
    pub name: &'static str,
    /// Its type, with the constraints of that type.
    pub kind: Kind,
}

/// The types of AWS JSON, each with its constraints.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text.
    String(StringShape),
    /// A whole number of 32 bits.
    Integer(Range),
    /// `true` or `false`.
    Boolean,
    /// A number of 32 bits with a fraction.
    Float,
    /// A number of 64 bits with a fraction.
    Double,
    /// A point in time: a number of seconds since 1970.
    Timestamp,
    /// Any number of values of one shape.
    List(&'static Shape),
    /// Values of one shape under keys of another.
    Map {
        /// The shape of the keys, always a string.
        key: &'static Shape,
        /// The shape of the values.
        value: &'static Shape,
    },
    /// Known members.
    Structure(&'static Structure),
}

/// The smallest and the greatest allowed number, both included; `None` for no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub min: Option<i32>,
    /// The greatest.
    pub max: Option<i32>,
}

impl Range {
    /// No bound at either end.
    pub const ANY: Self = Self { min: None, max: None };

    /// Whether the number lies within.
    pub fn contains(&self, number: i64) -> bool {
        self.min.is_none_or(|min| number >= i64::from(min))
            && self.max.is_none_or(|max| number <= i64::from(max))
    }
}

/// The constraints of a string.
#[derive(Debug, Clone, Copy)]
pub struct StringShape {
    /// How many characters it may have.
    pub length: Range,
    /// The form it must have.
    pub pattern: Option<&'static Pattern>,
    /// The only values it may have; empty means any.
    pub values: &'static [&'static str],
    /// The noun for such a string in messages, if no member names it, as for the keys of a map.
    pub title: Option<&'static str>,
}

impl Shape {
    /// A string without constraints.
    pub(crate) const fn string(name: &'static str) -> Self {
        let free = StringShape { length: Range::ANY, pattern: None, values: &[], title: None };
        Self { name, kind: Kind::String(free) }
    }

    /// One of a few strings.
    pub(crate) const fn enumeration(name: &'static str, values: &'static [&'static str]) -> Self {
        let listed = StringShape { length: Range::ANY, pattern: None, values, title: None };
        Self { name, kind: Kind::String(listed) }
    }

    /// A string with a range of lengths, in characters, and a pattern.
    pub(crate) const fn text(name: &'static str, length: Range, pattern: &'static Pattern) -> Self {
        let formed = StringShape { length, pattern: Some(pattern), values: &[], title: None };
        Self { name, kind: Kind::String(formed) }
    }

    /// This string with a title.
    pub(crate) const fn titled(self, title: &'static str) -> Self {
        match self.kind {
            Kind::String(shape) => {
                Self { name: self.name, kind: Kind::String(StringShape { title: Some(title), ..shape }) }
            }
            _ => panic!("only strings have titles"),
        }
    }

    /// A whole number from `min` to `max`.
    pub(crate) const fn integer(name: &'static str, min: i32, max: i32) -> Self {
        Self { name, kind: Kind::Integer(Range { min: Some(min), max: Some(max) }) }
    }

    /// A list of this shape.
    pub(crate) const fn list(member: &'static Self) -> Self {
        Self { name: "list", kind: Kind::List(member) }
    }

    /// A map with these keys and values.
    pub(crate) const fn map(key: &'static Self, value: &'static Self) -> Self {
        Self { name: "map", kind: Kind::Map { key, value } }
    }

    /// Returns `constrained`, which has to have the type of `plain`. Otherwise the constant does not compile.
    pub(crate) const fn agreed(plain: &'static Self, constrained: &'static Self) -> &'static Self {
        assert!(plain.is_of_type(constrained), "the shape of a member does not fit its Rust type");
        constrained
    }

    const fn is_of_type(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::String(_), Kind::String(_))
            | (Kind::Integer(_), Kind::Integer(_))
            | (Kind::Boolean, Kind::Boolean)
            | (Kind::Float, Kind::Float)
            | (Kind::Double, Kind::Double)
            | (Kind::Timestamp, Kind::Timestamp)
            | (Kind::Structure(_), Kind::Structure(_)) => true,
            (Kind::List(mine), Kind::List(theirs))
            | (Kind::Map { value: mine, .. }, Kind::Map { value: theirs, .. }) => mine.is_of_type(theirs),
            _ => false,
        }
    }
}

/// A structure of this API: a Rust type that carries its own description.
pub trait Described {
    /// The description.
    const STRUCTURE: &'static Structure;

    /// Checks rules about several members, such as "the end is not before the start".
    fn check(&self) -> Result<(), ApiError> {
        Ok(())
    }
}

/// The input of an operation. It names its operation and the type of the output.
pub trait Request: Described {
    /// The output of the operation.
    type Output: Described;
    /// The operation.
    const OPERATION: Target;
}

/// A Rust type that a member may have.
pub trait Field {
    /// The shape, if the member adds no constraint.
    const SHAPE: &'static Shape;
    /// Whether a member of this type is required. Only [`Option`] is not.
    const REQUIRED: bool = true;

    /// Whether the member is left out of the JSON.
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T: Field> Field for Option<T> {
    const SHAPE: &'static Shape = T::SHAPE;
    const REQUIRED: bool = false;

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl Field for String {
    const SHAPE: &'static Shape = &Shape::string("string");
}

impl Field for i32 {
    const SHAPE: &'static Shape = &Shape { name: "integer", kind: Kind::Integer(Range::ANY) };
}

impl Field for bool {
    const SHAPE: &'static Shape = &Shape { name: "boolean", kind: Kind::Boolean };
}

impl Field for f32 {
    const SHAPE: &'static Shape = &Shape { name: "float", kind: Kind::Float };
}

impl Field for f64 {
    const SHAPE: &'static Shape = &Shape { name: "double", kind: Kind::Double };
}

impl<T: Field> Field for Vec<T> {
    const SHAPE: &'static Shape = &Shape::list(T::SHAPE);
}

impl<V: Field> Field for Map<V> {
    const SHAPE: &'static Shape = &Shape::map(String::SHAPE, V::SHAPE);
}

//! Macros that make two things from one definition: a Rust type and its description.

/// Defines a structure: its type, its [`Described`](crate::Described) description and its JSON form.
///
/// ```text
/// structure! {
///     /// One sentence, for readers of the code and of the manual page alike.
///     pub struct Name = "ModelName": Default, check rules::of_name {
///         /// One sentence.
///         "wireName" field: Type as &SHAPE_WITH_CONSTRAINTS,
///     }
/// }
/// ```
///
/// An `Option` is an optional member. The parts after `Name` and after `Type` may be left out. Their defaults: the
/// model's name is `Name`, only the usual traits are derived, no rule is about several members, and the type adds no
/// constraint.
macro_rules! structure {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident $(= $model:literal)? $(: $derive:ident)? $(, check $check:path)? {
            $(
                $(#[doc = $member_doc:literal])+
                $wire:literal $field:ident: $ty:ty $(as $shape:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize $(, $derive)?)]
        pub struct $name {
            $(
                $(#[doc = $member_doc])+
                #[serde(rename = $wire, skip_serializing_if = "crate::Field::is_absent")]
                pub $field: $ty,
            )*
        }

        impl $crate::Described for $name {
            const STRUCTURE: &'static $crate::Structure = &$crate::Structure {
                name: $crate::macros::model_name!($name $($model)?),
                documentation: concat!($($doc),+).trim_ascii(),
                members: &[$(
                    $crate::Member {
                        name: $wire,
                        shape: $crate::macros::shape_of!($ty $(, $shape)?),
                        required: <$ty as $crate::Field>::REQUIRED,
                        documentation: concat!($($member_doc),+).trim_ascii(),
                    },
                )*],
            };

            fn check(&self) -> Result<(), $crate::ApiError> {
                $($check(self)?;)?
                Ok(())
            }
        }

        impl $crate::Field for $name {
            const SHAPE: &'static $crate::Shape = &$crate::Shape {
                name: <Self as $crate::Described>::STRUCTURE.name,
                kind: $crate::Kind::Structure(<Self as $crate::Described>::STRUCTURE),
            };
        }
    };
}

/// Defines the type of a string with a fixed list of values: `Variant = "value"`, or `Variant` alone if the value is
/// spelt the same.
macro_rules! enumeration {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident {
            $( $(#[doc = $value_doc:literal])* $variant:ident $(= $value:literal)? ),+ $(,)?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $(
                $(#[doc = $value_doc])*
                #[doc = concat!("`", $crate::macros::model_name!($variant $($value)?), "`")]
                $variant,
            )+
        }

        impl $name {
            /// Every value, in the order of the service model.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every value in its wire form, in the same order.
            pub const VALUES: &'static [&'static str] =
                &[$($crate::macros::model_name!($variant $($value)?)),+];

            /// The value in its wire form.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $crate::macros::model_name!($variant $($value)?),)+
                }
            }

            /// The explanation of a value. Empty if the value's name is enough.
            pub const fn documentation(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($value_doc),*).trim_ascii(),)+
                }
            }

            /// Reads the wire form of a value.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::unknown_variant(&text, Self::VALUES))
            }
        }

        impl $crate::Field for $name {
            const SHAPE: &'static $crate::Shape =
                &$crate::Shape::enumeration(stringify!($name), Self::VALUES);
        }
    };
}

/// Defines the `Operation` enumeration of one service from the table of its operations.
macro_rules! operations {
    (
        $(#[doc = $enum_doc:literal])+
        target $prefix:literal of $service:ident;
        $( $(#[doc = $doc:literal])+ $name:ident: $input:ty => $output:ty, $errors:expr; )+
    ) => {
        $(#[doc = $enum_doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation {
            $( $(#[doc = $doc])+ $name, )+
        }

        impl Operation {
            /// The part of the `X-Amz-Target` header before the dot.
            pub const TARGET_PREFIX: &'static str = $prefix;
            /// Every operation, in alphabetical order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The operation that an `X-Amz-Target` header names.
            pub fn from_target(target: &str) -> Option<Self> {
                Self::from_name(target.strip_prefix($prefix)?.strip_prefix('.')?)
            }

            /// The operation with a name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The `X-Amz-Target` header of the operation.
            pub const fn target(self) -> &'static str {
                match self { $(Self::$name => concat!($prefix, ".", stringify!($name)),)+ }
            }

            /// The input of the operation.
            pub const fn input(self) -> &'static $crate::Structure {
                match self { $(Self::$name => <$input as $crate::Described>::STRUCTURE,)+ }
            }

            /// The output of the operation.
            pub const fn output(self) -> &'static $crate::Structure {
                match self { $(Self::$name => <$output as $crate::Described>::STRUCTURE,)+ }
            }

            /// The errors that it is documented to have.
            pub const fn errors(self) -> &'static [$crate::ErrorCode] {
                match self { $(Self::$name => $errors,)+ }
            }

            /// The description of the operation.
            pub const fn documentation(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }

        $(
            impl $crate::Request for $input {
                type Output = $output;
                const OPERATION: $crate::Target = $crate::Target::$service(Operation::$name);
            }
        )+
    };
}

/// The name in the service model: the one that is given, else the identifier itself.
macro_rules! model_name {
    ($name:ident $model:literal) => {
        $model
    };
    ($name:ident) => {
        stringify!($name)
    };
}

/// The shape of a member: the one that is given, if it fits the type, else that of the type.
macro_rules! shape_of {
    ($ty:ty, $shape:expr) => {
        $crate::Shape::agreed(<$ty as $crate::Field>::SHAPE, $shape)
    };
    ($ty:ty) => {
        <$ty as $crate::Field>::SHAPE
    };
}

pub(crate) use {enumeration, model_name, operations, shape_of, structure};

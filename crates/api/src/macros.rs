//! One definition, two things: the Rust type, and the description of it.

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
/// An `Option` is an optional member. What stands after `Name` and after `Type` may be left out: the model's
/// name is `Name`, nothing is derived beside the usual, no rule spans several members, the type adds no
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

/// Defines the type and the list of values of a string that has only a few: `Variant = "value"`, or `Variant`
/// alone where the value is spelt the same.
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
            /// Every value as it stands on the wire, in the same order.
            pub const VALUES: &'static [&'static str] =
                &[$($crate::macros::model_name!($variant $($value)?)),+];

            /// The value as it stands on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $crate::macros::model_name!($variant $($value)?),)+
                }
            }

            /// What is said of it, for readers; nothing of a value that speaks for itself.
            pub const fn documentation(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($value_doc),*).trim_ascii(),)+
                }
            }

            /// The value that stands so on the wire.
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
            /// What stands before the dot in the `X-Amz-Target` header.
            pub const TARGET_PREFIX: &'static str = $prefix;
            /// Every operation, in the order of the alphabet.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The operation that an `X-Amz-Target` header asks for.
            pub fn from_target(target: &str) -> Option<Self> {
                Self::from_name(target.strip_prefix($prefix)?.strip_prefix('.')?)
            }

            /// The operation of that name.
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

            /// The `X-Amz-Target` header that asks for it.
            pub const fn target(self) -> &'static str {
                match self { $(Self::$name => concat!($prefix, ".", stringify!($name)),)+ }
            }

            /// What it takes.
            pub const fn input(self) -> &'static $crate::Structure {
                match self { $(Self::$name => <$input as $crate::Described>::STRUCTURE,)+ }
            }

            /// What it answers.
            pub const fn output(self) -> &'static $crate::Structure {
                match self { $(Self::$name => <$output as $crate::Described>::STRUCTURE,)+ }
            }

            /// The errors it is documented to answer with.
            pub const fn errors(self) -> &'static [$crate::ErrorCode] {
                match self { $(Self::$name => $errors,)+ }
            }

            /// What it does.
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

/// The name in the service model: what was said, else the identifier itself.
macro_rules! model_name {
    ($name:ident $model:literal) => {
        $model
    };
    ($name:ident) => {
        stringify!($name)
    };
}

/// The shape of a member: what was said, as long as it fits the type, else the shape of the type.
macro_rules! shape_of {
    ($ty:ty, $shape:expr) => {
        $crate::Shape::agreed(<$ty as $crate::Field>::SHAPE, $shape)
    };
    ($ty:ty) => {
        <$ty as $crate::Field>::SHAPE
    };
}

pub(crate) use {enumeration, model_name, operations, shape_of, structure};

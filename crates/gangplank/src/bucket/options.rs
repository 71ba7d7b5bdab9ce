//! The options of a bucket. `serve` has them in addition to its own; commands that open the same store have
//! only these.

use anyhow::Result;
use gangplank_s3::Location;
use gangplank_store::open::Bucket;

/// Adds the options of a bucket to other options, and passes all of them to the next macro.
macro_rules! with_bucket {
    ($next:ident! { $declare:ident! { { $($others:tt)* } { $($keys:tt)* } } }) => { $next! { $declare! {
        {
            $($others)*

            #[arg(value_name = "s3://BUCKET/PREFIX", value_parser = crate::bucket::location, help_heading = "Bucket",
                help = "Bucket for blobs, and a prefix of their keys in it [default: a folder in the data \
                directory]")]
            blobs: String, "GANGPLANK_BLOBS";
            #[arg(value_name = "ENDPOINT", help_heading = "Bucket", help = "The bucket's server: https://s3.example.com \
                [default: Amazon's in the region]")]
            s3_endpoint: String, "GANGPLANK_S3_ENDPOINT";
            #[arg(value_name = "REGION", help_heading = "Bucket", help = "Region of the bucket, for signatures \
                [default: AWS_REGION, else the profile's, else us-east-1 with --s3-endpoint]")]
            s3_region: String, "GANGPLANK_S3_REGION";
            /// Put the bucket's name into the path of URLs, not into the host [default: true with --s3-endpoint, else false]
            #[arg(num_args = 0..=1, default_missing_value = "true", value_name = "BOOL", help_heading = "Bucket")]
            s3_path_style: bool, "GANGPLANK_S3_PATH_STYLE";
            /// PEM file of the certificates to trust for the bucket's server [default: the system's]
            #[arg(value_name = "FILE", help_heading = "Bucket")]
            s3_ca_file: std::path::PathBuf, "GANGPLANK_S3_CA_FILE";
            /// Allow plain HTTP to a bucket's server on another machine: others in the network can read and change the blobs
            #[arg(num_args = 0..=1, default_missing_value = "true", value_name = "BOOL", help_heading = "Bucket")]
            s3_insecure_http: bool, "GANGPLANK_S3_INSECURE_HTTP";
            /// Directory in which parts of uploads wait until the bucket has them [default: the system's temporary
            /// directory]
            #[arg(value_name = "DIR", help_heading = "Bucket")]
            scratch_dir: std::path::PathBuf, "GANGPLANK_SCRATCH_DIR";
        }
        { $($keys)* }
    } } };
}
pub(crate) use with_bucket;

/// Passes its input on.
macro_rules! alone {
    ($declare:ident! $options:tt) => { $declare! $options };
}

/// Declares the options as arguments of a command.
macro_rules! arguments {
    ({ $($(#[$attribute:meta])* $field:ident: $kind:ty, $env:literal;)* } {}) => {
        /// The options of a bucket, as `serve` has them.
        #[derive(Clone, Debug, Default, clap::Args)]
        pub(crate) struct BucketArgs {
            $($(#[$attribute])* #[arg(long, env = $env)] pub(crate) $field: Option<$kind>,)*
        }
    };
}

with_bucket! { alone! { arguments! { {} {} } } }

impl BucketArgs {
    /// The bucket, if one is named, for a command that writes no blobs.
    pub(crate) fn bucket(&self) -> Result<Option<Bucket>> {
        self.blobs.as_ref().map(|blobs| self.options().bucket(blobs.parse()?, 0)).transpose()
    }

    /// The options without the bucket's name.
    pub(crate) fn options(&self) -> super::Options {
        super::Options {
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            path_style: self.s3_path_style,
            ca_file: self.s3_ca_file.clone(),
            insecure_http: self.s3_insecure_http.unwrap_or(false),
            scratch_dir: self.scratch_dir.clone(),
        }
    }
}

/// Reads a bucket and a prefix, and returns them unchanged.
pub(crate) fn location(text: &str) -> std::result::Result<String, String> {
    text.parse::<Location>().map(|_| text.to_owned()).map_err(|error| error.to_string())
}

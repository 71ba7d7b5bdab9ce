//! AWS Signature Version 4: sign and verify

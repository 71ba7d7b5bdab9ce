//! `CreateMultipartUpload`.

use hyper::Method;

use crate::calls::complete::WholeChecksum;
use crate::client::Client;
use crate::error::Result;
use crate::request::Call;
use crate::xml;

impl Client {
    /// Begins a multipart upload and returns its id. The call is sent only once.
    ///
    /// # Errors
    /// If the server refuses or does not answer. Without an answer, there may be an open upload with an unknown
    /// id.
    pub async fn create_multipart_upload(&self, key: &str, checksum: WholeChecksum) -> Result<String> {
        const NAME: &str = "CreateMultipartUpload";
        let mut call = Call::new(NAME, Method::POST, key).query("uploads", "");
        if checksum == WholeChecksum::Crc64 {
            call = call
                .header("x-amz-checksum-algorithm", "CRC64NVME")
                .header("x-amz-checksum-type", "FULL_OBJECT");
        }
        call.tries = 1;
        let answer = self.whole(&call).await?;
        xml::read(NAME, &answer.text, "InitiateMultipartUploadResult", |root| {
            xml::child(root, "UploadId").filter(|id| !id.is_empty()).map(str::to_owned)
        })
    }
}

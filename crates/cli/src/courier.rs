//! Carries checkpoints to witnesses over HTTP.
//!
//! No TLS: what is carried is signed on both sides and public. For a witness that answers over TLS alone, a local forwarder (stunnel, socat, a proxy) stands between.

use std::time::Duration;

use liuhen_tlog::submit::{Courier, CourierError, MAX_REPLY_BYTES, Reply};
use ureq::Agent;

/// A witness that takes longer is asked again at the next round.
const PATIENCE: Duration = Duration::from_secs(5);

/// The program's way to witnesses.
pub(crate) struct Post(Agent);

impl Post {
    pub(crate) fn new() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .build();
        Self(config.new_agent())
    }
}

impl Courier for Post {
    fn post(&self, url: &str, body: &[u8]) -> Result<Reply, CourierError> {
        if url.starts_with("https:") {
            return Err(CourierError(
                "this program carries no TLS; name a local forwarder as http://127.0.0.1:PORT in the policy".to_owned(),
            ));
        }
        let failed = |error: ureq::Error| CourierError(error.to_string());
        let request = self.0.post(url).content_type("text/plain; charset=utf-8");
        let mut answer = request.send(body).map_err(failed)?;
        let kind = answer.headers().get("content-type");
        let content_type = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        Ok(Reply {
            status: answer.status().as_u16(),
            content_type: content_type.to_owned(),
            body: answer
                .body_mut()
                .with_config()
                .limit(MAX_REPLY_BYTES as u64 + 1)
                .read_to_vec()
                .map_err(failed)?,
        })
    }
}

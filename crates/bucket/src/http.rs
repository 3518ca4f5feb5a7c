//! Requests to a store over plain HTTP, by the house's one HTTP implementation.
//!
//! Answers are read whole, under a limit and a deadline: nothing that a
//! publisher asks for is long. Trying again is `object_store`'s.

use std::{error::Error as _, io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper_util::{
    client::legacy::{Client, Error as ClientError, connect::HttpConnector as Connector},
    rt::TokioExecutor,
};
use object_store::{
    ClientOptions, Result,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
        HttpResponse, HttpService,
    },
};

/// For a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// For a request, its answer included.
const WHOLE: Duration = Duration::from_secs(60);
/// Bytes of an answer: more than the longest bundle, 16.8 MB.
const MOST: usize = 32 << 20;

/// Gives `object_store` its client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlainHttp;

#[derive(Debug)]
struct Service(Client<Connector, HttpRequestBody>);

impl HttpConnector for PlainHttp {
    fn connect(&self, _: &ClientOptions) -> Result<HttpClient> {
        let mut connector = Connector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(HttpClient::new(Service(client)))
    }
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let late = |_| {
            HttpError::new(
                HttpErrorKind::Timeout,
                io::Error::from(io::ErrorKind::TimedOut),
            )
        };
        tokio::time::timeout(WHOLE, self.ask(request))
            .await
            .unwrap_or_else(|error| Err(late(error)))
    }
}

impl Service {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.request(request).await.map_err(of_client)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MOST).collect().await;
        let body = body.map_err(|error| HttpError::new_boxed(HttpErrorKind::Interrupted, error))?;
        let mut body = body.to_bytes();
        if !parts.status.is_success() {
            body = code_only(&body);
        }
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}

fn of_client(error: ClientError) -> HttpError {
    let kind = match error
        .source()
        .and_then(|source| source.downcast_ref::<hyper::Error>())
    {
        _ if error.is_connect() => HttpErrorKind::Connect,
        Some(source) if source.is_closed() || source.is_incomplete_message() => {
            HttpErrorKind::Request
        }
        Some(_) => HttpErrorKind::Interrupted,
        None => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}

/// Keeps of a store's error only its code: the rest repeats the key's id and what was signed, and would end up in logs.
fn code_only(body: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(body);
    let code = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"));
    let plain =
        |code: &&str| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match code.map(|(code, _)| code).filter(plain) {
        Some(code) => format!("<Error><Code>{code}</Code></Error>").into(),
        None => Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_code_and_nothing_else() {
        let body = b"<?xml version='1.0'?><Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        assert_eq!(
            &code_only(body)[..],
            b"<Error><Code>InvalidAccessKeyId</Code></Error>"
        );
        for other in [
            &b""[..],
            b"AKIA",
            b"<Code>AK IA</Code>",
            b"<Code>x",
            b"\xff<Code>\xff</Code>",
        ] {
            assert_eq!(code_only(other), Bytes::new());
        }
    }
}

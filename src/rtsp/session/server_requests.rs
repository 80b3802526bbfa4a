//! Requests from the camera. RFC 2326 section 10: a server may send OPTIONS, GET_PARAMETER, SET_PARAMETER,
//! ANNOUNCE and REDIRECT; some disconnect without an answer.

use rtsp_types::{Method, Request, Response, StatusCode, Version, headers};

use super::{Output, Session};
use crate::rtsp::Failed;

/// The methods that Pinhole answers.
const PUBLIC: &str = "OPTIONS, GET_PARAMETER, SET_PARAMETER, ANNOUNCE, REDIRECT, TEARDOWN";

impl Session {
    pub(super) fn server_request(&mut self, request: &Request<Vec<u8>>) {
        self.counters.server_requests += 1;
        let status = match request.method() {
            Method::Options
            | Method::GetParameter
            | Method::SetParameter
            | Method::Announce
            | Method::Redirect
            | Method::Teardown => StatusCode::Ok,
            _ => StatusCode::NotImplemented,
        };
        let reason = if status == StatusCode::Ok { "OK" } else { "Not Implemented" };
        let mut response = Response::builder(Version::V1_0, status).reason_phrase(reason);
        for name in [headers::CSEQ, headers::SESSION] {
            if let Some(value) = request.header(&name) {
                response = response.header(name, value.clone());
            }
        }
        if *request.method() == Method::Options {
            response = response.header(headers::PUBLIC, PUBLIC);
        }
        let mut bytes = Vec::new();
        // Writing to memory cannot fail.
        let _ = response.empty().write(&mut bytes);
        self.outputs.push_back(Output::Send(bytes));
        // Both end this session; the next DESCRIBE will be redirected.
        if matches!(request.method(), Method::Teardown | Method::Redirect) {
            self.end(Err(Failed::Goodbye.into()));
        }
    }
}

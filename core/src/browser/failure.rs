//! Why a browser refuses: one value for each place where a request can fail.

use super::check::CheckFailure;

/// Why a script gets no response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The preflight's response does not pass the CORS check.
    PreflightCheck(CheckFailure),
    /// The preflight's status is not from 200 to 299.
    PreflightStatus(u16),
    /// The preflight was redirected.
    PreflightRedirect(u16),
    /// An element of Access-Control-Allow-Methods is no token.
    PreflightMethodsSyntax(String),
    /// An element of Access-Control-Allow-Headers is no token.
    PreflightHeadersSyntax(String),
    /// Access-Control-Allow-Methods does not name the method.
    PreflightMethod(String),
    /// Access-Control-Allow-Headers does not name Authorization, which `*` does not cover.
    PreflightAuthorization,
    /// Access-Control-Allow-Headers does not name this header.
    PreflightHeader(String),
    /// The response does not pass the CORS check.
    Check(CheckFailure),
    /// A redirect to a URL with a user name or password.
    RedirectCredentials,
    /// A redirect to this URL, whose scheme is not http or https.
    RedirectScheme(String),
    /// A redirect whose Location is no URL.
    RedirectUrl(String),
    /// More than 20 redirects.
    TooManyRedirects,
    /// A redirect, and the request's redirect mode is `error`.
    RedirectMode,
    /// The request's mode is `same-origin`, its URL's origin another one.
    ModeSameOrigin,
    /// The URL's scheme is not http or https.
    Scheme(String),
    /// No response came: the connection failed or was dropped. Browsers print texts about CORS all the same.
    Network,
    /// The script made a request that cannot be made: the call throws before anything is sent.
    Throws {
        /// Which rule: `method`, `no-cors-method`, `url-credentials`, `header`, `no-cors-redirect`.
        what: &'static str,
        /// The offending text.
        text: String,
    },
    /// The exchange does not hold the response to a request that the browser sends.
    Unanswered {
        /// Whether it was a preflight.
        preflight: bool,
    },
}

impl Failure {
    /// Its stable name, as in `preflight-method`, `preflight-header:x-token` or `throws:method`.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::PreflightCheck(check) => format!("preflight-{}", check.id()),
            Self::PreflightStatus(_) => "preflight-status".to_owned(),
            Self::PreflightRedirect(_) => "preflight-redirect".to_owned(),
            Self::PreflightMethodsSyntax(_) => "preflight-acam-syntax".to_owned(),
            Self::PreflightHeadersSyntax(_) => "preflight-acah-syntax".to_owned(),
            Self::PreflightMethod(_) => "preflight-method".to_owned(),
            Self::PreflightAuthorization => "preflight-authorization".to_owned(),
            Self::PreflightHeader(name) => format!("preflight-header:{name}"),
            Self::Check(check) => check.id().to_owned(),
            Self::RedirectCredentials => "redirect-credentials".to_owned(),
            Self::RedirectScheme(_) => "redirect-scheme".to_owned(),
            Self::RedirectUrl(_) => "redirect-url".to_owned(),
            Self::TooManyRedirects => "too-many-redirects".to_owned(),
            Self::RedirectMode => "redirect-mode-error".to_owned(),
            Self::ModeSameOrigin => "mode-same-origin".to_owned(),
            Self::Scheme(_) => "url-scheme".to_owned(),
            Self::Network => "network".to_owned(),
            Self::Throws { what, .. } => format!("throws:{what}"),
            Self::Unanswered { preflight: true } => "preflight-unanswered".to_owned(),
            Self::Unanswered { preflight: false } => "unanswered".to_owned(),
        }
    }

    /// Whether it is a preflight that failed.
    #[must_use]
    pub const fn is_of_preflight(&self) -> bool {
        matches!(
            self,
            Self::PreflightCheck(_)
                | Self::PreflightStatus(_)
                | Self::PreflightRedirect(_)
                | Self::PreflightMethodsSyntax(_)
                | Self::PreflightHeadersSyntax(_)
                | Self::PreflightMethod(_)
                | Self::PreflightAuthorization
                | Self::PreflightHeader(_)
                | Self::Unanswered { preflight: true }
        )
    }
}

//! The errors of S3, as Python sees them.

use corsac::Request;
use corsac::s3::{self, BodyOptions, Dialect, ResourceType, S3Options};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::problem::policy_error;
use crate::request::Lines;

/// An error as S3 answers it, for servers that answer as S3 does. Immutable.
///
/// Policy.s3_error and PolicyError.s3_error have those that follow from the rules of a bucket; the static
/// methods make those that don't: the bucket is missing, or has no configuration.
///
/// Attributes:
///     code: The S3 error code, such as "AccessForbidden".
///     status: The status of the response.
///     message: The message, as S3 words it.
///     dialect: Whose S3 answers it.
#[pyclass(frozen, eq, module = "corsac")]
#[derive(Clone, PartialEq)]
pub(crate) struct S3Error(pub(crate) s3::S3Error);

#[pymethods]
impl S3Error {
    /// Any other error of S3.
    ///
    /// Args:
    ///     code: The S3 error code, such as "NoSuchKey".
    ///     status: The status of the response.
    ///     message: The message.
    ///     dialect: Whose S3 it is: "zenko" or "aws".
    ///     method: The method of the request, where AWS tells it.
    ///     is_bucket: What the error is always about, whatever body() is told: True for a bucket, False for an
    ///         object.
    #[new]
    #[pyo3(signature = (code, status, message, dialect="zenko", *, method=None, is_bucket=None))]
    fn new(
        py: Python<'_>,
        code: String,
        status: u16,
        message: String,
        dialect: &str,
        method: Option<String>,
        is_bucket: Option<bool>,
    ) -> PyResult<Self> {
        let error = s3::S3Error::new(dialect_of(py, dialect)?, code, status, message);
        Ok(S3Error(match method {
            None => error,
            Some(method) => error.with_method(method, is_bucket.map(ResourceType::new)),
        }))
    }

    /// The answer to a preflight for a bucket that does not exist. What is wrong with the preflight itself
    /// comes first.
    ///
    /// Args:
    ///     headers: All headers of the request, as in Policy.evaluate.
    ///     dialect: Whose S3 it is: "zenko" or "aws".
    ///
    /// Returns:
    ///     The error.
    ///
    /// Raises:
    ///     PolicyError: If there is no such dialect.
    ///     TypeError: As Policy.evaluate.
    #[staticmethod]
    #[pyo3(signature = (headers, dialect="zenko"))]
    fn bucket_missing(py: Python<'_>, headers: &Bound<'_, PyAny>, dialect: &str) -> PyResult<Self> {
        S3Error::of_preflight(py, headers, dialect, s3::S3Error::bucket_missing)
    }

    /// The answer to a preflight for a bucket without configuration. What is wrong with the preflight itself
    /// comes first.
    ///
    /// Args:
    ///     headers: All headers of the request, as in Policy.evaluate.
    ///     dialect: Whose S3 it is: "zenko" or "aws".
    ///
    /// Returns:
    ///     The error.
    ///
    /// Raises:
    ///     PolicyError: If there is no such dialect.
    ///     TypeError: As Policy.evaluate.
    #[staticmethod]
    #[pyo3(signature = (headers, dialect="zenko"))]
    fn cors_not_enabled(py: Python<'_>, headers: &Bound<'_, PyAny>, dialect: &str) -> PyResult<Self> {
        S3Error::of_preflight(py, headers, dialect, s3::S3Error::cors_not_enabled)
    }

    /// The answer to a request for the configuration of a bucket that has none.
    ///
    /// Args:
    ///     dialect: Whose S3 it is: "zenko" or "aws".
    ///
    /// Returns:
    ///     The error.
    ///
    /// Raises:
    ///     PolicyError: If there is no such dialect.
    #[staticmethod]
    #[pyo3(signature = (dialect="zenko"))]
    fn no_configuration(py: Python<'_>, dialect: &str) -> PyResult<Self> {
        Ok(S3Error(s3::S3Error::no_configuration(dialect_of(py, dialect)?)))
    }

    /// The answer to a configuration that came with a wrong digest, or without one.
    ///
    /// Args:
    ///     dialect: Whose S3 it is: "zenko" or "aws".
    ///
    /// Returns:
    ///     The error.
    ///
    /// Raises:
    ///     PolicyError: If there is no such dialect.
    #[staticmethod]
    #[pyo3(signature = (dialect="zenko"))]
    fn bad_digest(py: Python<'_>, dialect: &str) -> PyResult<Self> {
        Ok(S3Error(s3::S3Error::bad_digest(dialect_of(py, dialect)?)))
    }

    /// The body of the response: XML (application/xml).
    ///
    /// Args:
    ///     is_bucket: Whether the request is about a bucket and not an object, which AWS tells.
    ///     request_id: The identifier of the request.
    ///     host_id: The identifier of the server, which AWS tells.
    ///
    /// Returns:
    ///     The text.
    #[pyo3(signature = (*, is_bucket=false, request_id="", host_id=""))]
    fn body(&self, is_bucket: bool, request_id: &str, host_id: &str) -> String {
        self.0.body(BodyOptions { resource_type: ResourceType::new(is_bucket), request_id, host_id })
    }

    #[getter]
    fn code(&self) -> &str {
        self.0.code()
    }

    #[getter]
    fn status(&self) -> u16 {
        self.0.status()
    }

    #[getter]
    fn message(&self) -> &str {
        self.0.message()
    }

    #[getter]
    fn dialect(&self) -> &'static str {
        self.0.dialect().name()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (py, error) = (slf.py(), &slf.get().0);
        let keywords = PyDict::new(py);
        keywords.set_item("method", error.method())?;
        keywords.set_item("is_bucket", error.resource_type().map(|about| about == ResourceType::Bucket))?;
        let partial = py.import("functools")?.getattr("partial")?.call((slf.get_type(),), Some(&keywords))?;
        let arguments = (&**error.code(), error.status(), error.message(), error.dialect().name());
        Ok((partial, arguments.into_pyobject(py)?))
    }

    fn __repr__(&self) -> String {
        format!("<S3Error {} {}: {:?}>", self.0.status(), self.0.code(), self.0.message())
    }
}

impl S3Error {
    fn of_preflight(
        py: Python<'_>,
        headers: &Bound<'_, PyAny>,
        dialect: &str,
        make: impl FnOnce(Dialect, &dyn corsac::Facts) -> s3::S3Error,
    ) -> PyResult<Self> {
        let dialect = dialect_of(py, dialect)?;
        let lines = Lines::read(headers)?;
        let mut request = Request::new("OPTIONS");
        lines.show(py, &mut request)?;
        Ok(S3Error(make(dialect, &request)))
    }
}

fn dialect_of(py: Python<'_>, name: &str) -> PyResult<Dialect> {
    match S3Options::new(name, false) {
        Ok(options) => Ok(options.dialect),
        Err(error) => Err(policy_error(py, &error, false, None)?),
    }
}

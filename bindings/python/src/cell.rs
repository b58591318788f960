//! A policy that can be replaced while threads use it, as Python sees it.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::decision::Decision;
use crate::document::type_name;
use crate::policy::Policy;

/// A policy that can be replaced while threads use it: assign to policy.
///
///     cell = PolicyCell(Policy.from_file("policy.json"))
///     ...
///     cell.policy = Policy.from_file("policy.json")  # raises PolicyError and changes nothing if it is bad
///
/// A cell may be used by any number of threads at once. Each decision belongs wholly to one policy.
/// Looking at the policy takes a lock for as long as it takes to count a reference; policies are
/// built, and end, outside it.
///
/// Args:
///     policy: The first policy.
///
/// Attributes:
///     policy: The policy as it is now: the object that was assigned last. To be assigned.
///     generation: How many policies the cell has had: 1 at first, and one more with each assignment.
///
/// Raises:
///     TypeError: If policy is no Policy, here or when it is assigned. The cell keeps the one it has.
#[pyclass(frozen, weakref, subclass, module = "corsac")]
pub(crate) struct PolicyCell {
    cell: corsac::PolicyCell<Py<Policy>>,
}

impl PolicyCell {
    pub(crate) fn load(&self) -> Arc<Py<Policy>> {
        self.cell.load()
    }
}

/// A policy that is given from outside.
fn policy_of(policy: &Bound<'_, PyAny>) -> PyResult<Arc<Py<Policy>>> {
    match policy.cast::<Policy>() {
        Ok(policy) => Ok(Arc::new(policy.clone().unbind())),
        Err(_) => Err(PyTypeError::new_err(format!("policy must be Policy, not {}", type_name(policy)))),
    }
}

#[pymethods]
impl PolicyCell {
    #[new]
    fn new(policy: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(PolicyCell { cell: corsac::PolicyCell::holding(policy_of(policy)?) })
    }

    #[getter]
    fn policy(&self, py: Python<'_>) -> Py<Policy> {
        self.load().clone_ref(py)
    }

    #[setter]
    fn set_policy(&self, policy: &Bound<'_, PyAny>) -> PyResult<()> {
        self.cell.store(policy_of(policy)?);
        Ok(())
    }

    #[getter]
    fn generation(&self) -> u64 {
        self.cell.generation()
    }

    /// Decides one request by the policy as it is now: Policy.evaluate.
    ///
    /// Args:
    ///     method: The method of the request, as str or bytes.
    ///     headers: All headers of the request, see Policy.evaluate.
    ///
    /// Returns:
    ///     The decision.
    ///
    /// Raises:
    ///     TypeError: If method, headers, the name of a header, or a value of one of the six headers that
    ///         a decision depends on has another type. Values of other headers are not looked at.
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        method: Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
    ) -> PyResult<Py<Decision>> {
        Policy::evaluate(self.load().bind(py), method, headers)
    }

    /// Whether an origin may read responses by the policy as it is now: Policy.allows_origin.
    ///
    /// Args:
    ///     origin: The value of Origin, as str or bytes; None if the request has none.
    ///     credentials: Whether the policy must allow credentials too. Leave it True wherever
    ///         cookies decide who somebody is.
    ///
    /// Returns:
    ///     True if the origin is allowed.
    ///
    /// Raises:
    ///     TypeError: If an argument has another type.
    #[pyo3(signature = (origin, credentials=true))]
    fn allows_origin(
        &self,
        py: Python<'_>,
        origin: Option<Bound<'_, PyAny>>,
        credentials: bool,
    ) -> PyResult<bool> {
        self.load().get().allows_origin(py, origin, credentials)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let policy = self.policy(py);
        Ok(format!("PolicyCell({})", policy.get().__repr__(py)?))
    }
}

//! The engine against its twin.

#![allow(missing_docs)]

use corsac_properties::compare::compare;
use corsac_properties::generate;
use corsac_properties::generate::origin::Pools;
use corsac_properties::run::{check, policy};
use corsac_properties::twin::Twin;

#[test]
fn engine_and_twin_decide_alike() {
    check(2_000, 16, |draw, requests| {
        let (document, policy) = policy(draw)?;
        let (twin, pools) = (Twin::read(&document), Pools::of(&document));
        for draw in requests {
            let request = generate::request(draw, &pools);
            compare(&policy, &twin, &request).map_err(|error| format!("{document:#}\n{error}"))?;
        }
        Ok(())
    });
}

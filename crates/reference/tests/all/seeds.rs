//! Writes the seeds of two fuzz targets, facts and blueprints: the bytes of real runs.

use std::{fs, path::Path};

use drawloom_lang::Optimise;

use crate::{agreement::blueprint, outside::Seeded, world::drive};

#[test]
#[ignore = "writes into the folder fuzz/seeds"]
fn seeds_of_facts_and_blueprints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let forms = fs::read_to_string(root.join("src/forms.yaml")).expect("the flow of all forms");
    for seed in 0..12 {
        let world = drive(blueprint(&forms, Optimise::On), Seeded { seed, cancels: true }, &["go".to_owned()]);
        let mut bytes = Vec::new();
        for fact in &world.journal {
            let len = u16::try_from(fact.len()).expect("small facts");
            bytes.extend(len.to_le_bytes());
            bytes.extend(fact);
        }
        fs::write(root.join(format!("seeds/facts/{seed:02}")), bytes).expect("a file");
    }
    fs::write(root.join("seeds/blueprints/forms"), blueprint(&forms, Optimise::On).encode()).expect("a file");
    for seed in 0..12 {
        let text = drawloom_reference::generate::flow(seed, 8);
        fs::write(root.join(format!("seeds/blueprints/{seed:02}")), blueprint(&text, Optimise::On).encode())
            .expect("a file");
    }
}

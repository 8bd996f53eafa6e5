//! `drawloom schema`: the JSON Schema of the language, for editors.

use clap::Args;

use crate::{Done, output};

/// Print the JSON Schema of the flow language, for editors
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom schema > flow.schema.json\n\nThen, as the first line of a flow:\n  \
                        # yaml-language-server: $schema=flow.schema.json")]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn go(self) -> Done {
        let Self {} = self;
        output::json(&drawloom_lang::schema::schema(&crate::flow::kinds()));
        Ok(0)
    }
}

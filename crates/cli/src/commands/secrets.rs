//! `drawloom secrets`: the vault.

use std::io::{IsTerminal, Read};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{Done, failure::Failure, output, settings::Settings, store::Use, workshop::Workshop};

/// Set, list and delete secrets; no command shows a value
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom secrets set API_TOKEN              asks for the value, without showing it\n  \
                        pass api | drawloom secrets set API_TOKEN --stdin\n  drawloom secrets list\n\n\
                        Flows use them as {{ secrets.API_TOKEN }}. Values are sealed with AES-256-GCM; the master key is\n\
                        `master.key` beside the store, or DRAWLOOM_MASTER_KEY, or DRAWLOOM_MASTER_KEY_FILE."
)]
pub(crate) struct Secrets {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Set a secret: the value is asked for, or read from standard input; it is never an argument
    #[command(
        after_help = "Examples:\n  drawloom secrets set API_TOKEN\n  pass api | drawloom secrets set API_TOKEN --stdin"
    )]
    Set {
        /// Its name
        name: String,
        /// Read the value from standard input, without its last line break
        #[arg(long)]
        stdin: bool,
    },
    /// List the names
    #[command(after_help = "Example:\n  drawloom secrets list")]
    List,
    /// Forget a secret
    #[command(after_help = "Example:\n  drawloom secrets delete API_TOKEN")]
    Delete {
        /// Its name
        name: String,
    },
}

impl Secrets {
    pub(crate) async fn go(self, settings: Settings) -> Done {
        let json = settings.json;
        let what_for = if matches!(self.what, What::List) { Use::Read } else { Use::Write };
        let workshop = Workshop::open(settings, what_for)?;
        let book = workshop.secrets();
        match self.what {
            What::Set { name, stdin } => {
                check_name(&name)?;
                let value = value(&name, stdin)?;
                book.set(&name, &value).await?;
                output::note(&format!("set {name}"));
            }
            What::List => {
                let rows = book.list().await?;
                if json {
                    let rows: Vec<_> =
                        rows.iter().map(|it| json!({ "name": it.name, "set_at": it.updated_at })).collect();
                    output::json(&rows);
                } else {
                    let rows: Vec<_> = rows.iter().map(|it| vec![it.name.clone(), it.updated_at.to_string()]).collect();
                    output::line(&output::table(&["NAME", "SET"], &rows));
                }
            }
            What::Delete { name } => {
                if !book.delete(&name).await? {
                    return Err(Failure::usage(format!("there is no secret `{name}`")));
                }
                output::note(&format!("deleted {name}"));
            }
        }
        workshop.close().await?;
        Ok(0)
    }
}

fn check_name(name: &str) -> Result<(), Failure> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(Failure::usage(format!("`{name}` is no name for a secret"))
        .help("use letters, digits and `_`, and begin with a letter: flows write {{ secrets.NAME }}"))
}

fn value(name: &str, stdin: bool) -> Result<String, Failure> {
    let wrong = |it: std::io::Error| Failure::usage(format!("the value cannot be read: {it}"));
    if stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(wrong)?;
        let text = text.strip_suffix('\n').map_or(text.as_str(), |it| it.strip_suffix('\r').unwrap_or(it)).to_owned();
        if text.is_empty() {
            return Err(Failure::usage("there is no value on standard input"));
        }
        return Ok(text);
    }
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::usage("there is no terminal to ask on").help("use --stdin to read the value from standard input")
        );
    }
    let value = rpassword::prompt_password(format!("value of {name}: ")).map_err(wrong)?;
    if value.is_empty() { Err(Failure::usage("the value is empty: nothing was set")) } else { Ok(value) }
}

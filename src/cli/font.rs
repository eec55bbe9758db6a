//! `--font`: letters for charts that the embedded font lacks.

use super::exit::Failure;
use lvsim::report::charts::draw::use_font;
use std::path::PathBuf;

/// The largest font that is read: fonts of all Chinese letters have up to 30 MB.
const LARGEST: u64 = 64 << 20;

/// The option of every verb that draws charts.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct FontArgs {
    /// A font (.ttf, .otf, .ttc) for letters of charts that the embedded one lacks; unsaid: GNU Unifont's pixels
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
}

impl FontArgs {
    /// Reads the font, if one is named.
    ///
    /// # Errors
    /// If it cannot be read or is no font.
    pub fn load(&self) -> Result<(), Failure> {
        let Some(path) = &self.font else { return Ok(()) };
        let wrong = |why: String| Failure::usage(format!("--font `{}`: {why}", path.display()));
        let about = std::fs::metadata(path).map_err(|e| wrong(e.to_string()))?;
        if !about.is_file() || about.len() > LARGEST {
            return Err(wrong(format!("a font is a file of at most {} MB", LARGEST >> 20)));
        }
        use_font(std::fs::read(path).map_err(|e| wrong(e.to_string()))?).map_err(wrong)
    }
}

//! The one printer. Answers go to standard output, everything said beside them to standard error,
//! and every text is made safe on its way out.

pub mod canvas;

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write},
    sync::{Arc, Mutex, PoisonError},
};

use anstyle::{AnsiColor, Style};
use comfy_table::{Table, presets};
use serde::Serialize;

use rustix::termios::tcgetwinsize;

use crate::{
    error::Error,
    keyboard, moments,
    spinner::Spinner,
    text::{plain, plain_lines, safe_json},
    time,
};

/// For whom the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people: sentences and tables, times of this laptop.
    #[default]
    Text,
    /// For scripts: JSON, times in UTC.
    Json,
    /// For a spreadsheet; of the few commands that say so.
    #[value(hide = true)]
    Csv,
    /// A page for somebody who is not here; of the few commands that say so.
    #[value(hide = true)]
    Markdown,
}

impl Format {
    /// As it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
        }
    }

    /// Whether every command that answers takes it.
    #[must_use]
    pub fn is_usual(self) -> bool {
        matches!(self, Self::Text | Self::Json)
    }
}

/// Prints. Cloning gives another hold of the same printer.
#[derive(Clone)]
pub struct Printer {
    format: Format,
    out: Arc<Mutex<dyn Write + Send>>,
    err: Arc<Mutex<dyn Write + Send>>,
    /// Whether somebody sits there: a terminal reads, and shows what is said to it. Scripts are
    /// never asked.
    interactive: bool,
    /// Why a part of the answer could not be written: the first time.
    lost: Arc<Mutex<Option<io::Error>>>,
}

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const QUIET: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

impl Printer {
    /// Prints to this process's own output. Colour follows `NO_COLOR`, `CLICOLOR_FORCE` and
    /// whether it is a terminal.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            out: Arc::new(Mutex::new(anstream::stdout())),
            err: Arc::new(Mutex::new(anstream::stderr())),
            interactive: format == Format::Text
                && io::stdin().is_terminal()
                && io::stderr().is_terminal(),
            lost: Arc::default(),
        }
    }

    /// Prints into two buffers, without colour, as to nobody.
    #[must_use]
    pub fn to_buffers(format: Format, out: Arc<Mutex<Vec<u8>>>, err: Arc<Mutex<Vec<u8>>>) -> Self {
        let (out, err) = (Shared(out), Shared(err));
        Self {
            format,
            out: Arc::new(Mutex::new(anstream::StripStream::new(
                Box::new(out) as BoxedWrite
            ))),
            err: Arc::new(Mutex::new(anstream::StripStream::new(
                Box::new(err) as BoxedWrite
            ))),
            interactive: false,
            lost: Arc::default(),
        }
    }

    /// For whom the answer is.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether the answer is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether there is somebody to ask: standard input and error are a terminal, and the answer is
    /// not for a script.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// The columns of the terminal that the answer goes to; without one there is no end to a line.
    #[must_use]
    pub fn width(&self) -> usize {
        let size = self.interactive.then(|| tcgetwinsize(std::io::stdout()));
        let columns = size
            .and_then(Result::ok)
            .map(|size| usize::from(size.ws_col));
        columns.filter(|columns| *columns > 0).unwrap_or(usize::MAX)
    }

    /// The answer: `people` prints it in words, or `value` is printed as JSON.
    pub fn answer<T: Serialize>(&self, value: &T, people: impl FnOnce(&Self)) {
        match self.format {
            Format::Json => self.json(value),
            Format::Text | Format::Csv | Format::Markdown => people(self),
        }
    }

    /// One JSON value, indented, on standard output.
    pub fn json<T: Serialize>(&self, value: &T) {
        // Our views have string keys and no maps of other kinds, so this cannot fail.
        let json = serde_json::to_string_pretty(value).expect("a view is always valid JSON");
        self.put_out(&safe_json(&json));
    }

    /// One JSON value on one line, for streams (JSON lines).
    pub fn json_line<T: Serialize>(&self, value: &T) {
        let json = serde_json::to_string(value).expect("a view is always valid JSON");
        self.put_out(&safe_json(&json));
    }

    /// One line of the answer.
    pub fn line(&self, text: impl Display) {
        self.put_out(&plain_lines(&text.to_string()));
    }

    /// One line of the answer, bold: what a screen is about.
    pub fn heading(&self, text: impl Display) {
        self.put_out(&styled(STRONG, &text.to_string()));
    }

    /// One line of the answer, dimmed: beside the point.
    pub fn aside(&self, text: impl Display) {
        self.put_out(&styled(QUIET, &text.to_string()));
    }

    /// One line of the answer that says all is well.
    pub fn good(&self, text: impl Display) {
        self.put_out(&styled(GOOD, &text.to_string()));
    }

    /// One line of the answer that says something is not well.
    pub fn bad(&self, text: impl Display) {
        self.put_out(&styled(BAD, &text.to_string()));
    }

    /// One checked line of the answer: `ok` or `bad` in its colour, then what was checked.
    pub fn check(&self, is_good: bool, text: impl Display) {
        let (style, word) = if is_good { (GOOD, "ok ") } else { (BAD, "bad") };
        self.put_out(&format!(
            "{style}{word}{style:#}  {}",
            plain_lines(&text.to_string())
        ));
    }

    /// Columns of the answer. Nothing is printed for no rows.
    pub fn table(&self, header: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_header(header.iter().copied());
        for row in rows {
            table.add_row(row.iter().map(|cell| plain(cell)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for line in table.to_string().lines() {
            self.put_out(line.trim_end());
        }
    }

    /// A secret or a file's bytes for a pipe: nothing is added but a newline, nothing escaped.
    /// Only for text this program made or checked to be harmless.
    pub fn verbatim(&self, text: &str) {
        self.put_out(text);
    }

    /// One line beside the answer, for people only: what is going on.
    pub fn note(&self, text: impl Display) {
        if !self.is_json() {
            self.put_err(&plain_lines(&text.to_string()));
        }
    }

    /// One line beside the answer that must be seen; for scripts one JSON object.
    pub fn warn(&self, text: impl Display) {
        if self.is_json() {
            return self.json_warning(&text);
        }
        self.put_err(&format!(
            "{WARN}warning:{WARN:#} {}",
            plain_lines(&text.to_string())
        ));
    }

    /// Lines beside the answer that nobody must miss, such as an ending under one's hands; for
    /// scripts one JSON object.
    pub fn loud(&self, text: impl Display) {
        if self.is_json() {
            return self.json_warning(&text);
        }
        for line in plain_lines(&text.to_string()).lines() {
            self.put_err(&format!("{BAD}glass: {line}{BAD:#}"));
        }
    }

    fn json_warning(&self, text: &impl Display) {
        let view = serde_json::json!({ "warning": text.to_string() });
        self.put_err(&safe_json(&view.to_string()));
    }

    /// Why the command failed, and the next step; for scripts as one JSON object, on standard
    /// error both.
    pub fn error(&self, error: &Error) {
        if self.is_json() {
            let view = serde_json::json!({ "error": {
                "reason": error.reason(),
                "message": error.to_string(),
                "next": error.next(),
                "exit": error.exit_code(),
            }});
            self.put_err(&safe_json(&view.to_string()));
            return;
        }
        if let Error::Unverified { .. } = error {
            self.put_err(&format!("{BAD}VERIFICATION FAILED{BAD:#}"));
        }
        self.put_err(&format!(
            "{BAD}error:{BAD:#} {}",
            plain_lines(&of_here(error, &error.to_string()))
        ));
        if let Some(next) = error.next() {
            let next = plain_lines(&of_here(error, &next));
            self.put_err(&format!("{STRONG}next:{STRONG:#}  {next}"));
        }
    }

    /// Says that something is being waited for, until the spinner is dropped. Without a terminal
    /// it is said once; with JSON not at all.
    pub fn spinner(&self, text: impl Display) -> Spinner {
        let text = plain(&text.to_string());
        if self.interactive {
            return Spinner::turning(text);
        }
        if !self.is_json() {
            self.note(&text);
        }
        Spinner::still()
    }

    /// Asks for yes or no: a whole line that says `y` or `yes` is yes, everything else is no. What
    /// was typed before the question stood there is no answer to it.
    ///
    /// # Errors
    /// [`Error::Usage`] with `otherwise` where nobody is there to answer.
    pub fn confirm(&self, question: &str, otherwise: &str) -> Result<bool, Error> {
        if !self.interactive {
            return Err(Error::usage("nobody is there to say yes", otherwise));
        }
        let answer = self.hear(&format!("{} [y/N] ", plain(question)))?;
        Ok(answer.is_some_and(|line| keyboard::is_yes(&line)))
    }

    /// Asks for one word, which may be none: Ctrl-D is an empty one.
    ///
    /// # Errors
    /// [`Error::Usage`] where nobody is there to answer.
    pub fn reply(&self, question: &str) -> Result<String, Error> {
        if !self.interactive {
            return Err(Error::usage("nobody is there to answer", "see --help"));
        }
        Ok(self.hear(&plain(question))?.unwrap_or_default())
    }

    /// Asks for one line, which may be empty; `None` for Ctrl-D.
    ///
    /// # Errors
    /// [`Error::Usage`] where nobody is there to answer.
    pub fn hears(&self, question: &str) -> Result<Option<String>, Error> {
        if !self.interactive {
            return Err(Error::usage("nobody is there to answer", "see --help"));
        }
        self.hear(&plain(question))
    }

    /// Asks for one line.
    ///
    /// # Errors
    /// [`Error::Usage`] with `missing` and `otherwise` where nobody is there to answer, or Ctrl-D
    /// is the answer.
    pub fn ask(&self, question: &str, missing: &str, otherwise: &str) -> Result<String, Error> {
        let nothing = || Error::usage(missing, otherwise);
        if !self.interactive {
            return Err(nothing());
        }
        loop {
            let line = self.hear(&format!("{}: ", plain(question)))?;
            let line = line.ok_or_else(nothing)?;
            if !line.trim().is_empty() {
                return Ok(line);
            }
        }
    }

    /// Asks for one of several by its number; the index is returned.
    ///
    /// # Errors
    /// [`Error::Usage`] with `missing` and `otherwise` where nobody is there to answer, or Ctrl-D
    /// is the answer.
    pub fn choose(
        &self,
        question: &str,
        choices: &[String],
        missing: &str,
        otherwise: &str,
    ) -> Result<usize, Error> {
        let nothing = || Error::usage(missing, otherwise);
        if !self.interactive {
            return Err(nothing());
        }
        for (number, choice) in (1..).zip(choices) {
            self.note(format!("  {number}  {choice}"));
        }
        let question = format!("{}? [1-{}] ", plain(question), choices.len());
        loop {
            let line = self.hear(&question)?.ok_or_else(nothing)?;
            if let Some(index) = chosen(&line, choices.len()) {
                return Ok(index);
            }
        }
    }

    /// Asks on one line of standard error; `None` for Ctrl-D.
    fn hear(&self, question: &str) -> Result<Option<String>, Error> {
        keyboard::forget_typed_ahead();
        {
            let mut to = self.err.lock().unwrap_or_else(PoisonError::into_inner);
            write!(to, "{question}")
                .and_then(|()| to.flush())
                .map_err(asking_failed)?;
        }
        let line = keyboard::line().map_err(asking_failed)?;
        if line.is_none() {
            self.note("");
        }
        Ok(line)
    }

    /// Whether the answer got where it was to go.
    ///
    /// # Errors
    /// [`Error::Setup`] where it did not. A reader that went away (`glass ledger list | head`) has
    /// seen what it wanted.
    pub fn written(&self) -> Result<(), Error> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        match &*lost {
            Some(why) if why.kind() != io::ErrorKind::BrokenPipe => Err(Error::setup(
                format!("cannot write the answer: {why}"),
                "what was asked for may be done all the same: look before you ask again",
            )),
            _ => Ok(()),
        }
    }

    /// Whether nobody can be told anything more: what streams may end.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.is_some()
    }

    fn put_out(&self, text: &str) {
        if let Err(why) = put(&self.out, text) {
            let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
            lost.get_or_insert(why);
        }
    }

    fn put_err(&self, text: &str) {
        // There is nobody left to tell.
        let _ = put(&self.err, text);
    }
}

type BoxedWrite = Box<dyn Write + Send>;

/// A buffer two owners can look at.
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{}{style:#}", plain_lines(text))
}

fn put(to: &Mutex<dyn Write + Send>, text: &str) -> io::Result<()> {
    let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(to, "{text}").and_then(|()| to.flush())
}

/// The index of what was typed as a number from one on.
fn chosen(line: &str, of: usize) -> Option<usize> {
    let number: usize = line.trim().parse().ok()?;
    number.checked_sub(1).filter(|index| *index < of)
}

fn asking_failed(error: io::Error) -> Error {
    Error::setup(
        format!("the terminal did not give an answer: {error}"),
        "give the answer as a flag; `--help` lists them",
    )
}

/// With the broker's moments as this laptop's clock shows them.
fn of_here(error: &Error, text: &str) -> String {
    moments::of_error(error, text, time::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(format: Format, print: impl FnOnce(&Printer)) -> (String, String) {
        let (out, err) = <(Arc<Mutex<Vec<u8>>>, Arc<Mutex<Vec<u8>>>)>::default();
        print(&Printer::to_buffers(format, out.clone(), err.clone()));
        let text =
            |buffer: &Mutex<Vec<u8>>| String::from_utf8(buffer.lock().unwrap().clone()).unwrap();
        (text(&out), text(&err))
    }

    #[test]
    fn no_text_reaches_the_terminal_raw() {
        let hostile = "\u{1b}]0;pwned\u{7}x\u{202e}";
        let (out, err) = printed(Format::Text, |p| {
            p.line(hostile);
            p.heading(hostile);
            p.table(&["A"], &[vec![hostile.into()]]);
            p.note(hostile);
            p.warn(hostile);
            p.loud(hostile);
            p.error(&Error::setup(hostile, hostile));
        });
        for text in [&out, &err] {
            assert!(
                !text.chars().any(|c| c != '\n' && crate::text::is_unsafe(c)),
                "{text:?}"
            );
            assert!(text.contains("\\u{1b}]0;pwned\\u{7}x\\u{202e}"), "{text}");
        }
    }

    #[test]
    fn a_newline_cannot_forge_a_row() {
        let (out, _) = printed(Format::Text, |p| {
            p.table(
                &["ID", "TITLE"],
                &[vec!["INC-1".into(), "x\nINC-2  y".into()]],
            );
        });
        assert_eq!(out, "ID     TITLE\nINC-1  x\\nINC-2  y\n");
    }

    #[test]
    fn errors_say_the_next_step_and_scripts_get_json() {
        let error = Error::usage("what?", "this way");
        let (out, err) = printed(Format::Text, |p| p.error(&error));
        assert_eq!(
            (out.as_str(), err.as_str()),
            ("", "error: what?\nnext:  this way\n")
        );
        let (_, err) = printed(Format::Json, |p| p.error(&error));
        let json: serde_json::Value = serde_json::from_str(&err).unwrap();
        assert_eq!(json["error"]["exit"], 2);
        assert_eq!(json["error"]["next"], "this way");
    }

    #[test]
    fn beside_the_answer_scripts_get_json_or_nothing() {
        let (out, err) = printed(Format::Json, |p| {
            p.note("gave G-1 back");
            p.warn("no memory-backed folder");
            p.loud("ended\nunder your hands");
        });
        assert_eq!(out, "");
        let said: Vec<serde_json::Value> = err
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(said.len(), 2);
        assert_eq!(said[1]["warning"], "ended\nunder your hands");
    }

    #[test]
    fn one_of_several_is_chosen_by_its_number() {
        assert_eq!((chosen("1\n", 3), chosen(" 3 ", 3)), (Some(0), Some(2)));
        for typed in ["", "0", "4", "-1", "y", "INC-1", "99999999999999999999"] {
            assert_eq!(chosen(typed, 3), None, "{typed:?}");
        }
    }

    #[test]
    fn an_answer_that_could_not_be_written_is_no_success() {
        let full = || -> Arc<Mutex<dyn Write + Send>> {
            Arc::new(Mutex::new(
                std::fs::File::options()
                    .write(true)
                    .open("/dev/full")
                    .unwrap(),
            ))
        };
        let mut printer = Printer::to_buffers(Format::Text, Arc::default(), Arc::default());
        (printer.out, printer.err) = (full(), full());
        printer.note("beside the answer");
        printer.written().unwrap();
        printer.line("the answer");
        let why = printer.written().unwrap_err();
        assert_eq!(why.exit_code(), 1);
        assert!(
            why.to_string().starts_with("cannot write the answer"),
            "{why}"
        );

        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut printer = Printer::to_buffers(Format::Text, Arc::default(), Arc::default());
        printer.out = Arc::new(Mutex::new(writer));
        printer.line("the answer");
        printer.written().unwrap();
        assert!(printer.is_cut_off());
    }

    #[test]
    fn nobody_is_asked_without_a_terminal() {
        let (out, err) = printed(Format::Text, |p| {
            let error = p.confirm("sure?", "say --yes").unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert_eq!(error.next().as_deref(), Some("say --yes"));
            assert!(p.ask("why?", "a reason is needed", "-m").is_err());
        });
        assert_eq!((out.as_str(), err.as_str()), ("", ""));
    }
}

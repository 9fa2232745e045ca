//! `[simulated]` of a model's file: what else the lab's modem of this model needs. The box does not read it; the builder
//! checks it.

use super::simulated_usb::SimulatedUsb;
use super::{
    Checked, CommandName, Invalid, MobileModel, Problem, SiteError, Text, Value, Words, problem, tables,
};
use crate::site::number::Whole;
use std::time::Duration;
use toml::de::DeTable;

/// How the lab's modem of a model behaves; for what is left out the lab has a default.
#[derive(Clone, Debug, Default)]
pub struct Simulation {
    /// The answer to `+CGMI`.
    pub maker: Option<String>,
    /// The answer to `+CGMM`.
    pub model: Option<String>,
    /// The answer to `+CGMR`.
    pub revision: Option<String>,
    /// The answer to `ATI`, one line each.
    pub identification: Option<Vec<String>>,
    /// Message storages and their sizes, the default first.
    pub storages: Option<Vec<(String, usize)>>,
    /// Index of the first place in a storage.
    pub first_index: Option<usize>,
    /// The allowed values of each parameter of `+CNMI`.
    pub indications: Option<[Vec<u8>; 5]>,
    /// Levels of `+CFUN`.
    pub functionality: Option<Vec<u32>>,
    /// Names of `+CSCS`, the default first.
    pub character_sets: Option<Vec<String>>,
    /// `<PDP_type>` of `+CGDCONT`.
    pub context_kinds: Option<Vec<String>>,
    /// The clock shows universal time, and the zone all the same.
    pub has_universal_clock: bool,
    /// The network's time sets the clock even without `+CTZU`.
    pub sets_its_clock: bool,
    /// The URC for a message that finds no room.
    pub says_full: Option<String>,
    /// Unsolicited lines after a start.
    pub greeting: Vec<String>,
    /// Unsolicited lines that it repeats; `{signal}` stands for `<rssi>`.
    pub chatter: Vec<(Duration, String)>,
    /// Commands of the standard that hold a number, with another largest value than usual.
    pub largest: Vec<(String, u32)>,
    /// The maker's commands that hold a number, 0 or 1.
    pub switches: Vec<String>,
    /// Its descriptors.
    pub usb: Option<SimulatedUsb>,
}

tables! {
    struct Simulated {
        maker: Option<Words>,
        model: Option<Words>,
        revision: Option<Words>,
        identification: Option<Vec<Words>>,
        storages: Option<Vec<Storage>>,
        first_index: Option<Whole<0, 1>>,
        indications: Option<Indications>,
        functionality: Option<Vec<Whole<0, 99>>>,
        character_sets: Option<Vec<Words>>,
        context_kinds: Option<Vec<Words>>,
        universal_clock: Option<bool>,
        sets_its_clock: Option<bool>,
        says_full: Option<Words>,
        greeting: Option<Vec<Words>>,
        chatter: Option<Vec<Chatter>>,
        largest: Option<Vec<Largest>>,
        switches: Option<Vec<Words>>,
        usb: Option<SimulatedUsb>,
    }

    struct Chatter {
        every: Whole<1, 3600>,
        line: Words,
    }

    struct Largest {
        command: CommandName,
        value: Whole<0, 9>,
    }
}

impl Simulation {
    /// Parses a whole file, the box's part included.
    ///
    /// # Errors
    /// A key is unknown, missing or has an invalid value: line and column.
    pub fn parse(text: &str) -> Result<(MobileModel, Self), SiteError> {
        let model = MobileModel::parse(text)?;
        let simulation = read(text, &model).map_err(|problem| SiteError::new(*problem, text))?;
        Ok((model, simulation))
    }
}

fn read(text: &str, model: &MobileModel) -> Checked<Simulation> {
    let document = DeTable::parse(text).map_err(|error| Problem::from_syntax(&error))?;
    let Some(table) = document.get_ref().get("simulated") else { return Ok(Simulation::default()) };
    let raw = Simulated::read(table)?;
    let words = |words: Vec<Words>| words.into_iter().map(|it| it.0).collect::<Vec<String>>();
    let mut usb = raw.usb;
    if let Some(drive) = usb.as_mut().and_then(|usb| usb.drive.as_mut()) {
        model.switch.iter().for_each(|switch| drive.switched_by(switch));
        if drive.switch.is_none() {
            return problem(
                "a drive without a mode switch",
                "add its `ids` and `command`, or [switch]",
                table.span(),
            );
        }
    }
    let chatter = raw.chatter.into_iter().flatten();
    let largest = raw.largest.into_iter().flatten();
    Ok(Simulation {
        maker: raw.maker.map(|it| it.0),
        model: raw.model.map(|it| it.0),
        revision: raw.revision.map(|it| it.0),
        identification: raw.identification.map(words),
        storages: raw.storages.map(|all| all.into_iter().map(|it| (it.name, it.size)).collect()),
        first_index: raw.first_index.map(|it| it.get().into()),
        indications: raw.indications.map(|it| it.0),
        functionality: raw.functionality.map(|all| all.into_iter().map(|it| it.get().into()).collect()),
        character_sets: raw.character_sets.map(words),
        context_kinds: raw.context_kinds.map(words),
        has_universal_clock: raw.universal_clock.unwrap_or(false),
        sets_its_clock: raw.sets_its_clock.unwrap_or(false),
        says_full: raw.says_full.map(|it| it.0),
        greeting: raw.greeting.map(words).unwrap_or_default(),
        chatter: chatter.map(|it| (Duration::from_secs(it.every.get().into()), it.line.0)).collect(),
        largest: largest.map(|it| (it.command.0, it.value.get().into())).collect(),
        switches: raw.switches.map(words).unwrap_or_default(),
        usb,
    })
}

/// A message storage: `SM 20`.
pub(super) struct Storage {
    name: String,
    size: usize,
}

impl Text for Storage {
    const EXPECTED: &'static str = "a message storage";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let parts = text.split_once(' ').and_then(|(name, size)| Some((name, size.parse::<u16>().ok()?)));
        match parts {
            Some((name, size @ 1..=1000)) if name.len() == 2 => {
                Ok(Self { name: name.to_owned(), size: size.into() })
            }
            _ => Err(Invalid::new(format!("{text:?} is no storage"), "write name and size, as in \"SM 20\"")),
        }
    }
}

/// The answer to `+CNMI=?`, TS 27.005 §3.4.1: five lists of values, such as `(0,1),(0-3),(0),(0,2),(0)`.
pub(super) struct Indications([Vec<u8>; 5]);

impl Text for Indications {
    const EXPECTED: &'static str = "the answer to +CNMI=?";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let lists = text.trim_start_matches('(').trim_end_matches(')').split("),(");
        let lists: Option<Vec<Vec<u8>>> = lists.map(numbers).collect();
        let lists = lists.and_then(|lists| <[Vec<u8>; 5]>::try_from(lists).ok());
        lists.map(Self).ok_or_else(|| {
            Invalid::new("these are no five lists", "write them as in \"(0-2),(0-3),(0,2),(0-2),(0,1)\"")
        })
    }
}

/// `0,2` or `0-2`
fn numbers(list: &str) -> Option<Vec<u8>> {
    let digit = |text: &str| text.parse().ok().filter(|value| *value <= 3u8);
    match list.split_once('-') {
        Some((first, last)) => Some((digit(first)?..=digit(last)?).collect()),
        None => list.split(',').map(digit).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(more: &str) -> Result<(MobileModel, Simulation), SiteError> {
        Simulation::parse(&format!("name = 'x'\nsource = 'x'\ndriver = 'option'\n[simulated]\n{more}\n"))
    }

    #[test]
    fn the_lab_s_part_is_checked_as_well() {
        let (_, simulation) =
            parse("storages = ['ME 23']\nindications = '(0-2),(0,3),(0),(0,2),(1)'").unwrap();
        assert_eq!(simulation.storages, Some(vec![("ME".to_owned(), 23)]));
        let lists = simulation.indications.unwrap();
        assert_eq!((&lists[0][..], &lists[1][..]), (&[0, 1, 2][..], &[0, 3][..]));
        for (line, expected) in [
            ("storage = ['ME 23']", "5:1: unknown key `storage`; did you mean `storages`?"),
            ("storages = ['ME']", "5:13: \"ME\" is no storage"),
            ("indications = '(0-2)'", "5:15: these are no five lists"),
            ("chatter = [{ every = 0, line = 'x' }]", "5:22: 0 is too small"),
        ] {
            assert_eq!(parse(line).unwrap_err().in_file("").headline(), format!(":{expected}"));
        }
    }
}

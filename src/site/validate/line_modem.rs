//! What the modem of a line needs: its model's commands, and the site's own after them.

use std::ops::Range;

use toml::Spanned;

use super::problem;
use crate::site::error::Checked;
use crate::site::{AtCommand, FlowControl, LineModem, ModemModel, Port, raw};

/// Whether the line has a cable instead of a modem. What only a modem can do has no effect there, so it is an error.
pub(super) fn null_modem(raw: &raw::Line) -> Checked<bool> {
    if !raw.null_modem.as_ref().is_some_and(|null_modem| *null_modem.get_ref()) {
        return Ok(false);
    }
    if *raw.port.get_ref() == Port::Auto {
        return problem("\"auto\" looks for a modem, and there is none", "name the port", raw.port.span());
    }
    let number = raw.callers.iter().flat_map(|callers| callers.get_ref()).next();
    let of_a_modem = [
        ("rings", raw.rings.as_ref().map(Spanned::span)),
        ("callers", number.map(Spanned::span)),
        ("model", raw.model.as_ref().map(Spanned::span)),
        ("init", raw.init.as_ref().map(Spanned::span)),
        ("fixed-speed", raw.fixed_speed.as_ref().map(Spanned::span)),
        ("error-correction", raw.error_correction.as_ref().map(Spanned::span)),
    ];
    match of_a_modem.into_iter().find_map(|(key, at)| at.map(|at| (key, at))) {
        Some((key, at)) => {
            problem(format!("`{key}` needs a modem, and this line has none"), format!("remove `{key}`"), at)
        }
        None => Ok(true),
    }
}

pub(super) fn modem(raw: &mut raw::Line, flow: FlowControl) -> Checked<LineModem> {
    let model = raw.model.as_ref().map(|model| model.get_ref());
    let mut init = model.map(|model| model.init(flow)).unwrap_or_default();
    if let Some(speed) = &raw.fixed_speed {
        init.extend(fixed_speed(model, speed.get_ref().0, speed.span())?);
    }
    if let Some(correction) = raw.error_correction.as_ref().filter(|correction| !correction.get_ref()) {
        let Some(model) = model else { return no_model("error-correction", correction.span()) };
        init.extend(model.plain().iter().cloned());
    }
    init.extend(raw.init.take().into_iter().flat_map(Spanned::into_inner).map(|line| line.0));
    Ok(LineModem {
        model: model.map(|model| model.name.clone()),
        settle: model.map(|model| model.settle).unwrap_or_default(),
        init,
        caller_id: model.and_then(ModemModel::caller_id).cloned(),
    })
}

/// The commands for exactly this speed of the telephone line.
fn fixed_speed(model: Option<&ModemModel>, speed: u32, at: Range<usize>) -> Checked<Vec<AtCommand>> {
    let Some(model) = model else { return no_model("fixed-speed", at) };
    let speeds = model.fixed_speeds();
    if let Some((_, commands)) = speeds.iter().find(|(known, _)| *known == speed) {
        return Ok(commands.clone());
    }
    if speeds.is_empty() {
        return problem(
            format!("no command is known that fixes the speed of the model {:?}", model.name),
            "remove `fixed-speed`, and write the command of the modem's manual into `init`",
            at,
        );
    }
    let known: Vec<_> = speeds.iter().map(|(speed, _)| speed.to_string()).collect();
    problem(
        format!("the model {:?} has no command for {speed} bit/s", model.name),
        format!("use one of {}, or write the command of the modem's manual into `init`", known.join(", ")),
        at,
    )
}

fn no_model<T>(key: &str, at: Range<usize>) -> Checked<T> {
    problem(
        format!("`{key}` needs the commands of a model"),
        "add `model`, or write the command of the modem's manual into `init`",
        at,
    )
}

#[cfg(test)]
mod tests {
    use crate::site::Site;

    #[test]
    fn what_a_modem_gets_is_in_the_summary() {
        let text = "role='dial-in'\nhostname='x'\n[[line]]\nport='auto'\nlocal='192.0.2.1'\nremote='192.0.2.2'\n\
                    model='rockwell'\nfixed-speed=2400\nerror-correction=false\ninit=['ATM0']\n\
                    [[user]]\nname='u'\npassword='p'\n";
        let summary = Site::parse(text).unwrap().summary();
        let row = "modem: rockwell, gets AT&K3, AT+MS=2,0,2400,2400, AT\\N0, ATM0\n";
        assert!(summary.contains(row), "{summary}");
    }
}

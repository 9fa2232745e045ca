//! The models of mobile modems in an image: what follows from their files.

use dialbox::site::{MODELS, MobileModel, ModeSwitch, Simulation, SiteError, UsbId};

use super::{
    overlay::Overlay,
    tree::{Node, Origin, Tree},
};
use crate::{
    error::{Error, Result},
    manifest::{Layer, Recipe},
};

/// The models of an image, each with the file's path and origin.
type Models = Vec<(String, Origin, MobileModel)>;

/// Checks the models of a root, and adds the mode switches that usb-modeswitch-data does not have.
pub fn add_switches(tree: &mut Tree) -> Result<()> {
    for (_, origin, model) in read(tree)? {
        if let Some(switch) = &model.switch {
            let path = format!("/etc/usb_modeswitch.d/{}", switch.from);
            tree.add(&path, Node::file(settings(switch, &model.usb).into_bytes(), 0o644, &origin))?;
        }
    }
    Ok(())
}

/// The recipes, with the drivers of the models among the modules of the initramfs: a modem gets its driver as soon as it
/// is detected.
pub fn with_drivers(recipes: &[Recipe], layers: &[Layer]) -> Result<Vec<Recipe>> {
    let mut tree = Tree::default();
    let overlay = Overlay::read(layers)?;
    recipes.iter().try_for_each(|recipe| overlay.add(&mut tree, recipe))?;
    let mut recipes = recipes.to_vec();
    for (_, origin, model) in read(&tree)? {
        let is_named = recipes.iter().any(|it| it.initramfs_modules.contains(&model.driver));
        let owner = recipes.iter_mut().find(|it| origin.recipe() == it.name);
        if let Some(owner) = owner.filter(|_| !is_named) {
            owner.initramfs_modules.push(model.driver);
        }
    }
    Ok(recipes)
}

fn read(tree: &Tree) -> Result<Models> {
    let mut models = Models::new();
    for (path, node, content) in tree.files() {
        if !path.strip_prefix(MODELS).is_some_and(|rest| rest.starts_with('/')) {
            continue;
        }
        let file = format!("overlay{path}");
        // Each layer has an `overlay/`.
        let from = format!("it comes from {}", node.origin);
        let Ok(text) = str::from_utf8(content) else {
            return Err(Error::new(format!("{file} is not text")).fact(from).hint("save it as UTF-8"));
        };
        let (model, _) =
            Simulation::parse(text).map_err(|error| in_words(error.in_file(&file)).fact(from))?;
        for id in &model.usb {
            let other = models.iter().find(|(_, _, other)| other.usb.contains(id));
            if let Some((other, origin, _)) = other {
                return Err(Error::new(format!("two models have the USB ids {id}"))
                    .fact(format!("{other} from {origin}"))
                    .fact(format!("{path} from {}", node.origin))
                    .hint("take them out of one of the two"));
            }
        }
        models.push((path.to_owned(), node.origin.clone(), model));
    }
    Ok(models)
}

fn in_words(error: SiteError) -> Error {
    Error::new(error.headline()).fact(error.excerpt().trim_end()).hint(error.next())
}

/// A file of settings of usb_modeswitch (usb_modeswitch.conf of its source describes the keys).
fn settings(switch: &ModeSwitch, become_ids: &[UsbId]) -> String {
    let UsbId(vendor, _) = become_ids.first().copied().unwrap_or(switch.from);
    let products = become_ids.iter().filter(|id| id.0 == vendor).map(|id| format!("{:04x}", id.1));
    format!(
        "TargetVendor=0x{vendor:04x}\nTargetProductList=\"{}\"\nMessageContent=\"{}\"\n",
        products.collect::<Vec<_>>().join(","),
        switch.message
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tree::{Kind, Source};

    const FILE: &str =
        "name = 'Acme'\nsource = 'its manual'\nusb = ['1234:0002', '1234:0003']\ndriver = 'option'\n";

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (name, text) in files {
            let layer = Some("cabin".into());
            let origin = Origin::Recipe { recipe: "sticks".into(), source: Source::Overlay, layer };
            tree.add(&format!("{MODELS}/{name}"), Node::file(text.as_bytes(), 0o644, &origin)).unwrap();
        }
        tree
    }

    #[test]
    fn a_mode_switch_becomes_a_file_of_usb_modeswitch() {
        let message = "5553424312345678000000000000061b000000020000000000000000000000";
        let switch = format!("{FILE}[switch]\nfrom = '1234:0001'\nmessage = '{message}'\n");
        let mut tree = tree(&[("acme.toml", &switch)]);
        add_switches(&mut tree).unwrap();
        let Kind::File(content) = &tree.get("/etc/usb_modeswitch.d/1234:0001").unwrap().kind else {
            panic!("not a file")
        };
        let expected =
            format!("TargetVendor=0x1234\nTargetProductList=\"0002,0003\"\nMessageContent=\"{message}\"\n");
        assert_eq!(str::from_utf8(content).unwrap(), expected);
    }

    #[test]
    fn an_invalid_file_or_two_of_the_same_ids_are_errors() {
        let wrong = format!("{FILE}comand = 1\n");
        let error = add_switches(&mut tree(&[("acme.toml", &wrong)])).unwrap_err().to_string();
        assert!(
            error.contains("overlay/usr/share/dialbox/modems/acme.toml:5:1: unknown key `comand`"),
            "{error}"
        );
        assert!(error.contains("it comes from overlay/, recipe sticks, layer cabin"), "{error}");
        let error = add_switches(&mut tree(&[("a.toml", FILE), ("b.toml", FILE)])).unwrap_err().to_string();
        assert!(error.contains("two models have the USB ids 1234:0002"), "{error}");
        assert!(error.contains("b.toml from overlay/, recipe sticks, layer cabin"), "{error}");
    }
}

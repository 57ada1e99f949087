-- One message as the API shows it to person ?1; permalinks begin with ?2.
SELECT m.id, json_object(
    'id', 'M' || m.id,
    'conversation', 'C' || m.conversation,
    'author', json_object('id', 'P' || author.id, 'name', author.name, 'handle', author.handle, 'kind', author.kind),
    'time', m.posted_at,
    'text', m.text,
    'thread', 'M' || m.thread,
    'reply_count', (SELECT count(*) FROM messages WHERE thread = m.id AND deleted_at IS NULL),
    'reactions', json((
        SELECT json_group_array(json_object('emoji', emoji, 'count', count, 'me', json(iif(mine, 'true', 'false'))))
        FROM (
            SELECT emoji, count(*) AS count, max(person = ?1) AS mine FROM reactions
            WHERE message = m.id GROUP BY emoji ORDER BY count DESC, emoji
        )
    )),
    'files', json((
        SELECT json_group_array(json_object(
            'id', 'F' || id, 'name', name, 'media_type', media_type, 'size', length(content)
        ))
        FROM files WHERE message = m.id
    )),
    'quote', json((
        SELECT json_object('id', 'M' || q.id, 'author', p.name, 'text', q.text)
        FROM messages AS q JOIN people AS p ON p.id = q.author WHERE q.id = m.quote
    )),
    -- What stands behind each `@`: the names of people are looked up, and nothing is where there is no `@`.
    'mentions', json((
        SELECT json_group_array(DISTINCT 'P' || p.id)
        FROM json_each(iif(instr(m.text, '@'), '[' || replace(json_quote(lower(m.text)), '@', '","') || ']', '[]')) AS said
        JOIN people AS p ON p.handle = rtrim(substr(said.value, 1, length(said.value)
            - length(ltrim(said.value, 'abcdefghijklmnopqrstuvwxyz0123456789._-'))), '._-')
        WHERE said.key > 0
    )),
    'mentions_everyone', json(iif(/* everyone */ instr(m.text, '@') AND EXISTS (
        SELECT 1 FROM json_each('[' || replace(json_quote(lower(m.text)), '@', '","') || ']') AS said
        WHERE said.key > 0 AND rtrim(substr(said.value, 1, length(said.value)
            - length(ltrim(said.value, 'abcdefghijklmnopqrstuvwxyz0123456789._-'))), '._-') IN ('everyone', 'channel', 'here')
    ) /* end */, 'true', 'false')),
    'edited_at', m.edited_at,
    'deleted', json(iif(m.deleted_at IS NULL, 'false', 'true')),
    'url', ?2 || '/C' || m.conversation || '/M' || m.id
)
FROM messages AS m
JOIN people AS author ON author.id = m.author
JOIN visible ON visible.conversation = m.conversation AND visible.person = ?1

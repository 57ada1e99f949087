-- One conversation as the API shows it to person ?1; permalinks begin with ?2.
SELECT c.id, json_object(
    'id', 'C' || c.id,
    'kind', c.kind,
    'name', c.name,
    'topic', c.topic,
    'private', json(iif(c.private, 'true', 'false')),
    'member', json(iif(me.person IS NULL, 'false', 'true')),
    'member_count', (SELECT count(*) FROM members WHERE conversation = c.id),
    'guests', json(iif(EXISTS (
        SELECT 1 FROM members JOIN people AS p ON p.id = members.person WHERE conversation = c.id AND p.kind = 'guest'
    ), 'true', 'false')),
    -- Channels go by their name; the others are called after the people in them.
    'members', json((
        SELECT json_group_array(json_object('id', 'P' || p.id, 'name', p.name, 'handle', p.handle, 'kind', p.kind))
        FROM members JOIN people AS p ON p.id = members.person
        WHERE members.conversation = c.id AND c.kind <> 'channel' AND p.id <> ?1
    )),
    'unread', iif(me.person IS NULL, 0, (
        SELECT count(*) FROM messages
        WHERE conversation = c.id AND id > me.read_up_to AND author <> ?1 AND deleted_at IS NULL
    )),
    'last_activity', (SELECT max(posted_at) FROM messages WHERE conversation = c.id),
    'url', ?2 || '/C' || c.id
)
FROM conversations AS c
JOIN visible ON visible.conversation = c.id AND visible.person = ?1
LEFT JOIN members AS me ON me.conversation = c.id AND me.person = ?1

/** SQL of the process types, as `type`, that the app of uuid `$1` has: those of its structure and of its newest build, and the two that every app may have. */
export const KNOWN_TYPES = `SELECT type FROM process_types WHERE app_uuid = $1
  UNION SELECT jsonb_object_keys(b.procfile) FROM builds b WHERE b.uuid = (
    SELECT build_uuid FROM releases WHERE app_uuid = $1 AND state <> 'failed' ORDER BY version DESC LIMIT 1)
  UNION VALUES ('cmd'), ('web')`;

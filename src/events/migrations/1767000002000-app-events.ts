import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What happened to each app, numbered by app. An event gets its number in the last moment of its transaction, under the row of the app's
 * counter: so events become visible in the order of their numbers and without gaps, whoever writes them, and no writer waits for another
 * but while that one commits. What is written for an app that is gone by then is dropped.
 */
export class AppEvents1767000002000 implements MigrationInterface {
  readonly name = 'AppEvents1767000002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE app_event_counters (
        app_uuid uuid PRIMARY KEY REFERENCES apps (uuid) ON DELETE CASCADE,
        last bigint NOT NULL DEFAULT 0
      );
      INSERT INTO app_event_counters (app_uuid) SELECT uuid FROM apps;

      -- no foreign key to the app: its check would have who only tells of a step wait for who changes the app
      CREATE TABLE app_events (
        uuid uuid PRIMARY KEY,
        app_uuid uuid NOT NULL,
        id bigint,
        event text NOT NULL,
        data text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        UNIQUE (app_uuid, id)
      );
      CREATE INDEX app_events_at ON app_events (at);

      CREATE FUNCTION app_events_number() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE
        number bigint;
      BEGIN
        UPDATE app_event_counters SET last = last + 1 WHERE app_uuid = NEW.app_uuid RETURNING last INTO number;
        IF number IS NULL THEN
          DELETE FROM app_events WHERE uuid = NEW.uuid;
        ELSE
          UPDATE app_events SET id = number, at = clock_timestamp() WHERE uuid = NEW.uuid;
          PERFORM pg_notify('keelson_app_event', NEW.app_uuid::text);
        END IF;
        RETURN NULL;
      END $$;
      CREATE CONSTRAINT TRIGGER app_events_number AFTER INSERT ON app_events DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.id IS NULL) EXECUTE FUNCTION app_events_number();

      CREATE FUNCTION app_events_begin() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO app_event_counters (app_uuid) VALUES (NEW.uuid) ON CONFLICT DO NOTHING;
        RETURN NULL;
      END $$;
      CREATE TRIGGER app_events_begin AFTER INSERT ON apps FOR EACH ROW EXECUTE FUNCTION app_events_begin();

      CREATE FUNCTION app_events_end() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        DELETE FROM app_events WHERE app_uuid = OLD.uuid;
        PERFORM pg_notify('keelson_app_event', OLD.uuid::text);
        RETURN NULL;
      END $$;
      CREATE TRIGGER app_events_end AFTER DELETE ON apps FOR EACH ROW EXECUTE FUNCTION app_events_end();
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

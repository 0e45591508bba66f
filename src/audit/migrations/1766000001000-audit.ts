import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit log: rows, their seals and the key that those are made with, which are only ever added, and the rows that have no seal yet.
 * Whoever may only insert into the first three can't undo what they say; who owns them has to take the triggers away first. The database
 * says when a row was added and that it waits for its seal, whatever is sent.
 */
export class Audit1766000001000 implements MigrationInterface {
  readonly name = 'Audit1766000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE audit_rows (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        time timestamptz NOT NULL DEFAULT clock_timestamp(),
        actor text,
        address text,
        request_id text,
        action text NOT NULL,
        object text,
        app_uuid uuid,
        app text,
        before jsonb,
        after jsonb,
        outcome text NOT NULL
      );
      CREATE INDEX audit_rows_app_uuid ON audit_rows (app_uuid, id);
      CREATE INDEX audit_rows_app ON audit_rows (app, id);
      CREATE INDEX audit_rows_actor ON audit_rows (actor, id);
      CREATE INDEX audit_rows_action ON audit_rows (action, id);
      CREATE INDEX audit_rows_time ON audit_rows (time, id);

      CREATE TABLE audit_seals (
        sequence bigint PRIMARY KEY,
        row_id bigint NOT NULL UNIQUE REFERENCES audit_rows (id),
        hash text NOT NULL
      );

      CREATE TABLE audit_unsealed (row_id bigint PRIMARY KEY);

      CREATE TABLE audit_keys (
        uuid uuid PRIMARY KEY,
        key text NOT NULL,
        singleton boolean NOT NULL DEFAULT true UNIQUE CHECK (singleton)
      );

      CREATE FUNCTION audit_set_time() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.time := clock_timestamp();
        RETURN NEW;
      END $$;
      CREATE TRIGGER audit_set_time BEFORE INSERT ON audit_rows FOR EACH ROW EXECUTE FUNCTION audit_set_time();

      -- as its owner: who adds rows needs no right to say that they wait
      CREATE FUNCTION audit_await_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
      BEGIN
        INSERT INTO public.audit_unsealed (row_id) VALUES (NEW.id);
        RETURN NULL;
      END $$;
      REVOKE ALL ON FUNCTION audit_await_seal() FROM PUBLIC;
      CREATE TRIGGER audit_await_seal AFTER INSERT ON audit_rows FOR EACH ROW EXECUTE FUNCTION audit_await_seal();

      CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'The audit log is append-only.' USING ERRCODE = 'insufficient_privilege';
      END $$;
      CREATE TRIGGER audit_rows_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_rows
        FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
      CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
        FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
      CREATE TRIGGER audit_keys_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_keys
        FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

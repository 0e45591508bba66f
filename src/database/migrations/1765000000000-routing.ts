import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Certificates, Services of process types, and what it takes to undo what the cluster refuses. */
export class Routing1765000000000 implements MigrationInterface {
  readonly name = 'Routing1765000000000';

  async up(runner: QueryRunner): Promise<void> {
    // what exists was in the cluster
    for (const table of ['domains', 'app_settings', 'tls']) {
      await runner.query(`
        ALTER TABLE ${table} ADD COLUMN generation bigint NOT NULL DEFAULT 0;
        ALTER TABLE ${table} ADD COLUMN settled boolean NOT NULL DEFAULT true;
        ALTER TABLE ${table} ALTER COLUMN settled SET DEFAULT false;
      `);
    }
    await runner.query(`
      UPDATE app_settings s SET generation = n.n
        FROM (SELECT uuid, row_number() OVER (PARTITION BY app_uuid ORDER BY created) AS n FROM app_settings) n WHERE n.uuid = s.uuid;
      UPDATE tls t SET generation = n.n
        FROM (SELECT uuid, row_number() OVER (PARTITION BY app_uuid ORDER BY created) AS n FROM tls) n WHERE n.uuid = t.uuid;
      DROP INDEX app_settings_app;
      DROP INDEX tls_app;
      CREATE INDEX app_settings_app ON app_settings (app_uuid, generation DESC);
      CREATE INDEX tls_app ON tls (app_uuid, generation DESC);

      ALTER TABLE apps ADD COLUMN shown_generation bigint NOT NULL DEFAULT 0;
      ALTER TABLE operations ADD COLUMN unwatched boolean NOT NULL DEFAULT true;
      ALTER TABLE operations ADD COLUMN restoring boolean NOT NULL DEFAULT false;

      CREATE TABLE certificates (
        uuid uuid PRIMARY KEY,
        id integer GENERATED ALWAYS AS IDENTITY UNIQUE,
        owner_id integer NOT NULL REFERENCES users (id),
        name text NOT NULL UNIQUE,
        certificate text NOT NULL,
        key text NOT NULL,
        common_name text,
        san jsonb NOT NULL,
        fingerprint text NOT NULL,
        starts timestamptz NOT NULL,
        expires timestamptz NOT NULL,
        issuer text NOT NULL,
        subject text NOT NULL,
        created timestamptz NOT NULL DEFAULT now(),
        updated timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX certificates_owner ON certificates (owner_id);

      CREATE TABLE attachments (
        uuid uuid PRIMARY KEY,
        app_uuid uuid NOT NULL REFERENCES apps (uuid) ON DELETE CASCADE,
        domain_uuid uuid NOT NULL UNIQUE REFERENCES domains (uuid) ON DELETE CASCADE,
        certificate_uuid uuid NOT NULL REFERENCES certificates (uuid),
        generation bigint NOT NULL,
        settled boolean NOT NULL DEFAULT false
      );
      CREATE INDEX attachments_app ON attachments (app_uuid);
      CREATE INDEX attachments_certificate ON attachments (certificate_uuid);

      CREATE TABLE services (
        uuid uuid PRIMARY KEY,
        app_uuid uuid NOT NULL REFERENCES apps (uuid) ON DELETE CASCADE,
        owner_id integer NOT NULL REFERENCES users (id),
        procfile_type text NOT NULL,
        path_pattern text NOT NULL,
        generation bigint NOT NULL,
        settled boolean NOT NULL DEFAULT false,
        created timestamptz NOT NULL DEFAULT now(),
        updated timestamptz NOT NULL DEFAULT now(),
        UNIQUE (app_uuid, procfile_type)
      );
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

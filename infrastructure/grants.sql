-- What the application's role may do: everything but change what happened. Run after the migrations, each time.
--
-- The application connects as recourse_app; the tables belong to whoever migrates. Only read models' tables are
-- made, and owned, by the application itself.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'recourse_app') THEN
        CREATE ROLE recourse_app LOGIN; -- without a password: nobody comes in by one before it is given
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL; -- another database of this server was quicker
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role recourse_app is missing, and % may not create it', current_user
            USING ERRCODE = 'insufficient_privilege';
END
$$;

GRANT USAGE, CREATE ON SCHEMA public TO recourse_app;
GRANT USAGE ON SCHEMA vault, transparency TO recourse_app;

DO $$
DECLARE
    kept regclass;
BEGIN
    FOR kept IN
        SELECT oid FROM pg_class
        WHERE relnamespace IN ('public'::regnamespace, 'vault'::regnamespace, 'transparency'::regnamespace)
          AND relkind = 'r' AND relowner <> 'recourse_app'::regrole
          AND pg_has_role(current_user, relowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM recourse_app', kept);
        EXECUTE format('GRANT SELECT, INSERT ON %s TO recourse_app', kept);
        IF NOT EXISTS (
            SELECT FROM pg_trigger WHERE tgrelid = kept AND tgfoid = 'refuse_rewriting_history'::regproc
        ) THEN
            EXECUTE format('GRANT UPDATE, DELETE ON %s TO recourse_app', kept);
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON schema_migrations FROM recourse_app;
GRANT SELECT ON schema_migrations TO recourse_app;

-- What the broker needs in a PostgreSQL cluster, and no more. Tested with PostgreSQL 15.
--
-- Run it as a superuser in the database that the policy's target names; again after an upgrade of
-- glassd, as often as you like:
--
--   psql -d shop -v ON_ERROR_STOP=1 -f setup.sql
--   psql -d shop -c '\password breakglass'      -- the same goes into the broker's password_file
--
-- then say which roles the broker may hand out, one line each, and no other:
--
--   GRANT shop_migrator TO breakglass_owner WITH ADMIN OPTION;
--
-- Why there are two roles. Somebody has to have CREATEROLE, and up to PostgreSQL 15 whoever has it
-- can give themselves every role but a superuser's, pg_execute_server_program too: with it they own
-- the machine. So nobody can log in as the role that has it, breakglass_owner, and the broker's own
-- role, breakglass, can only call the functions below, which make and drop roles named
-- breakglass_gN_N and refuse everything else. Whoever steals the broker's password can make such
-- roles, as the broker can, and nothing beyond.

\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_min_messages = warning;

-- Roles belong to the whole cluster: another database's setup may have made them.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'breakglass_owner') THEN
    CREATE ROLE breakglass_owner;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'breakglass') THEN
    CREATE ROLE breakglass;
  END IF;
END $$;

-- CREATEROLE: makes and drops the roles of grants.
-- INHERIT: sees and ends the sessions of the fixed roles of client certificates (end_certificate).
ALTER ROLE breakglass_owner NOLOGIN INHERIT CREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS;

-- NOINHERIT: belonging to a role that it is about to drop gives it nothing unless it asks.
-- CONNECTION LIMIT: glassd opens at most 10 at once; a broker gone wild leaves room for the others.
ALTER ROLE breakglass LOGIN NOINHERIT NOCREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS
  CONNECTION LIMIT 12;

CREATE SCHEMA IF NOT EXISTS breakglass;
COMMENT ON SCHEMA breakglass IS 'What the breakglass broker may do (deploy/postgres/setup.sql)';

-- A role for one grant. Its password arrives as a SCRAM verifier, so neither the server's log nor its
-- statistics ever hold the password.
CREATE OR REPLACE FUNCTION breakglass.create_role(
  role text, member_of text, valid_until timestamptz, verifier text, connections integer, note text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  too_much text;
BEGIN
  IF num_nulls(role, member_of, valid_until, verifier, connections, note) > 0 THEN
    RAISE EXCEPTION 'a role of a grant is described in full' USING ERRCODE = 'BG010';
  END IF;
  -- 63 bytes: PostgreSQL cuts a longer name, and then it is another's.
  IF role !~ '^breakglass_g[0-9]+_[0-9]+$' OR octet_length(role) > 63 THEN
    RAISE EXCEPTION 'a role of a grant is named breakglass_gN_N, not %', quote_ident(role)
      USING ERRCODE = 'BG001';
  END IF;
  IF verifier !~ '^SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$' THEN
    RAISE EXCEPTION 'the password has to come as a SCRAM-SHA-256 verifier' USING ERRCODE = 'BG002';
  END IF;
  IF NOT isfinite(valid_until) OR valid_until <= now() THEN
    RAISE EXCEPTION 'a role of a grant is valid until some time to come, not until %', valid_until
      USING ERRCODE = 'BG003';
  END IF;
  IF NOT starts_with(note, 'breakglass ledger=') THEN
    RAISE EXCEPTION 'a role of a grant says in its comment whose it is' USING ERRCODE = 'BG004';
  END IF;
  IF to_regrole(quote_ident(member_of)) IS NULL THEN
    RAISE EXCEPTION 'there is no role %', quote_ident(member_of)
      USING ERRCODE = 'BG005', HINT = format('CREATE ROLE %I;', member_of);
  END IF;
  IF NOT EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole(quote_ident(member_of))
                 AND member = to_regrole('breakglass_owner') AND admin_option) THEN
    RAISE EXCEPTION 'the broker may not hand out the role %', quote_ident(member_of)
      USING ERRCODE = 'BG006',
            HINT = format('GRANT %I TO breakglass_owner WITH ADMIN OPTION;', member_of);
  END IF;
  -- Whoever can become a role with CREATEROLE can make roles that outlive the grant.
  SELECT rolname INTO too_much FROM pg_roles
    WHERE (rolsuper OR rolcreaterole) AND pg_has_role(to_regrole(quote_ident(member_of)), oid, 'MEMBER')
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the role % can become %, which can make roles that outlive a grant',
      quote_ident(member_of), quote_ident(too_much)
      USING ERRCODE = 'BG007', HINT = format('ALTER ROLE %I NOSUPERUSER NOCREATEROLE;', too_much);
  END IF;
  IF NOT has_database_privilege(to_regrole(quote_ident(member_of)), current_database(), 'CONNECT') THEN
    RAISE EXCEPTION 'the role % may not connect to the database %',
      quote_ident(member_of), quote_ident(current_database())
      USING ERRCODE = 'BG008',
            HINT = format('GRANT CONNECT ON DATABASE %I TO %I;', current_database(), member_of);
  END IF;
  -- INHERIT: what the group may do works in a session that says SET ROLE NONE, too.
  EXECUTE format('CREATE ROLE %I LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION'
                 ' NOBYPASSRLS CONNECTION LIMIT %s PASSWORD %L VALID UNTIL %L',
                 role, connections, verifier,
                 to_char(valid_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
  EXECUTE format('GRANT %I TO %I', member_of, role);
  EXECUTE format('COMMENT ON ROLE %I IS %L', role, note);
  -- The caller may become it: to set what its sessions begin as, which PostgreSQL lets no function
  -- with its owner's rights do, and later to end its sessions and hand over what it owns.
  EXECUTE format('GRANT %I TO %I', role, session_user);
END $$;

-- Shuts a role to new sessions. The caller then becomes it to end the open ones: a role may end its
-- own sessions, so the broker need not be in pg_signal_backend, with which it could end anybody's.
-- Answers its oid, or null where it is gone already.
CREATE OR REPLACE FUNCTION breakglass.close_role(role text, ledger text)
RETURNS oid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found oid := breakglass.role_of_ledger(role, ledger);
  friend text;
BEGIN
  IF found IS NULL THEN
    RETURN NULL;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE oid = found AND rolcanlogin) THEN
    EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', role);
  END IF;
  -- Whoever was taken into it, by an administrator, would keep its rights until it is dropped.
  FOR friend IN SELECT pg_get_userbyid(member) FROM pg_auth_members
                WHERE roleid = found AND pg_get_userbyid(member) NOT IN (session_user, 'breakglass_owner')
  LOOP
    EXECUTE format('REVOKE %I FROM %I', role, friend);
  END LOOP;
  RETURN found;
END $$;

-- Drops a role that owns nothing any more. Whether it was there.
CREATE OR REPLACE FUNCTION breakglass.drop_role(role text, ledger text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF breakglass.role_of_ledger(role, ledger) IS NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('DROP ROLE %I', role);
  RETURN true;
END $$;

-- A role of a grant that this ledger's broker has made; another one is left alone.
CREATE OR REPLACE FUNCTION breakglass.role_of_ledger(role text, ledger text)
RETURNS oid LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found oid;
BEGIN
  IF num_nulls(role, ledger) > 0 OR role !~ '^breakglass_g[0-9]+_[0-9]+$' THEN
    RAISE EXCEPTION 'a role of a grant is named breakglass_gN_N, not %', quote_ident(role)
      USING ERRCODE = 'BG001';
  END IF;
  SELECT oid INTO found FROM pg_roles WHERE rolname = role;
  IF found IS NOT NULL AND NOT coalesce(
      starts_with(shobj_description(found, 'pg_authid'), 'breakglass ledger=' || ledger || ' '), false)
  THEN
    RAISE EXCEPTION 'the role % was not made by the broker of the ledger %', quote_ident(role), ledger
      USING ERRCODE = 'BG009';
  END IF;
  RETURN found;
END $$;

-- The roles of grants that this ledger's broker has made.
CREATE OR REPLACE FUNCTION breakglass.roles(ledger text)
RETURNS TABLE (role text, member_of text) LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.rolname::text,
         (SELECT min(g.rolname::text) FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
          WHERE m.member = r.oid)
  FROM pg_roles r
  WHERE r.rolname ~ '^breakglass_g[0-9]+_[0-9]+$'
    AND starts_with(shobj_description(r.oid, 'pg_authid'), 'breakglass ledger=' || ledger || ' ')
  ORDER BY 1
$$;

-- Ends the sessions that were opened with one client certificate: by its serial number, because the
-- role is shared. How many there were. Only roles that the broker may hand out.
CREATE OR REPLACE FUNCTION breakglass.end_certificate(role text, serial numeric)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole(quote_ident(role))
                 AND member = to_regrole('breakglass_owner') AND admin_option) THEN
    RAISE EXCEPTION 'the broker may not end sessions of the role %', quote_ident(role)
      USING ERRCODE = 'BG006', HINT = format('GRANT %I TO breakglass_owner WITH ADMIN OPTION;', role);
  END IF;
  RETURN (SELECT count(*) FROM (
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
    WHERE usesysid = to_regrole(quote_ident(role)) AND client_serial = serial) AS ended);
END $$;

-- The functions act with the rights of who owns them.
ALTER FUNCTION breakglass.create_role(text, text, timestamptz, text, integer, text) OWNER TO breakglass_owner;
ALTER FUNCTION breakglass.close_role(text, text) OWNER TO breakglass_owner;
ALTER FUNCTION breakglass.drop_role(text, text) OWNER TO breakglass_owner;
ALTER FUNCTION breakglass.end_certificate(text, numeric) OWNER TO breakglass_owner;

-- Every function can be called by everybody unless it is said otherwise.
REVOKE ALL ON SCHEMA breakglass FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA breakglass FROM PUBLIC;
GRANT USAGE ON SCHEMA breakglass TO breakglass, breakglass_owner;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA breakglass TO breakglass, breakglass_owner;

-- To find what its roles own, and where, it reads the catalogues that everybody may read.
DO $$
BEGIN
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO breakglass', current_database());
END $$;

COMMIT;

-- A database and its roles on a server that will hold shards. Run by a superuser, once:
--   psql -d postgres -v ON_ERROR_STOP=1 -f server.sql
-- ndc_shard  is whom ndc connects as: it makes schemas in this database and nothing else.
-- ndc_report reads counts and times, never a payload (report_server.sql).
-- Neither has a password yet: \password ndc_shard
SELECT 'CREATE ROLE ndc_shard LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 64'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ndc_shard') \gexec
SELECT 'CREATE ROLE ndc_report LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 4'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ndc_report') \gexec
SELECT 'CREATE DATABASE ndc_shard TEMPLATE template0 ENCODING ''UTF8'''
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'ndc_shard') \gexec
REVOKE ALL ON DATABASE ndc_shard FROM PUBLIC;
GRANT CONNECT, CREATE ON DATABASE ndc_shard TO ndc_shard;
GRANT CONNECT ON DATABASE ndc_shard TO ndc_report;
\connect ndc_shard
REVOKE ALL ON SCHEMA public FROM PUBLIC;

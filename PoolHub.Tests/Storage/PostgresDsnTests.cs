using Npgsql;
using PoolHub.Daemon.Storage.Postgres;

namespace PoolHub.Tests.Storage;

public sealed class PostgresDsnTests
{
    [Theory]
    [InlineData("postgresql://poolhub:sesame@127.0.0.1:5433/aitbc?sslmode=require", "127.0.0.1", 5433, "aitbc", "poolhub", "sesame", SslMode.Require)]
    [InlineData("postgres://poolhub@db.example/aitbc", "db.example", 5432, "aitbc", "poolhub", null, SslMode.Prefer)]
    [InlineData("postgresql://u:p%40ss%2Fw%25rd%3A@h/d", "h", 5432, "d", "u", "p@ss/w%rd:", SslMode.Prefer)]
    [InlineData("postgresql://u:a:b@h/d", "h", 5432, "d", "u", "a:b", SslMode.Prefer)]
    [InlineData("postgresql://u:p@q@h/d", "h", 5432, "d", "u", "p@q", SslMode.Prefer)]
    [InlineData("postgresql://u@[::1]:5433/d", "::1", 5433, "d", "u", null, SslMode.Prefer)]
    [InlineData("postgresql://u@%2Fvar%2Frun%2Fpostgresql/d", "/var/run/postgresql", 5432, "d", "u", null, SslMode.Prefer)]
    [InlineData("postgresql:///d?host=/run/pg&user=u&port=6000", "/run/pg", 6000, "d", "u", null, SslMode.Prefer)]
    [InlineData("postgresql://u@h", "h", 5432, "u", "u", null, SslMode.Prefer)]
    [InlineData("host=h port=5433 dbname=d user=u password=p sslmode=verify-full", "h", 5433, "d", "u", "p", SslMode.VerifyFull)]
    [InlineData("  host = h  user='a b'  password = 'it\\'s a \\\\ secret' dbname=d", "h", 5432, "d", "a b", "it's a \\ secret", SslMode.Prefer)]
    [InlineData("host=h user=u password='' dbname=d sslmode=disable", "h", 5432, "d", "u", null, SslMode.Disable)]
    public void Dsn_says_where_the_database_is(string text, string host, int port, string database, string user, string? password, SslMode mode)
    {
        Assert.True(PostgresDsn.TryParse(text, out PostgresDsn? dsn, out string? problem), problem);
        var read = new NpgsqlConnectionStringBuilder(dsn.ConnectionString);
        Assert.Equal(
            (host, port, database, user, password ?? "", mode),
            (read.Host, read.Port, read.Database, read.Username, read.Password ?? "", read.SslMode));
        if (password is not null && password.Length > 1)
        {
            Assert.DoesNotContain(password, dsn.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("postgresql://u:sesame/1@h/d", "port must be")]
    [InlineData("postgresql://u:sesame@h:99999/d", "port must be")]
    [InlineData("postgresql://u:ses%ame@h/d", "password holds a %")]
    [InlineData("postgresql://u:p@h/d?sesame=1", "keyword that the hub does not know")]
    [InlineData("postgresql://u:p@h/d?sesame", "NAME=value")]
    [InlineData("postgresql://u:p@h/d?sslmode=sesame", "sslmode must be")]
    [InlineData("postgresql://u:p@a,b/d", "several hosts")]
    [InlineData("sesame", "must be postgresql://")]
    [InlineData("host=h password='sesame", "not closed")]
    [InlineData("host=h pasword=sesame", "does not know")]
    [InlineData("Host=h;Password=sesame", "does not know")]
    public void Dsn_that_is_wrong_is_told_without_what_it_says(string text, string why)
    {
        Assert.False(PostgresDsn.TryParse(text, out _, out string? problem));
        Assert.Contains(why, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", problem, StringComparison.Ordinal);
    }
}

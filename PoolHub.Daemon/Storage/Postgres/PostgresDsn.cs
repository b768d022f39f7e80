using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Npgsql;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>
/// Where PostgreSQL is, as DB_DSN says it: a URL (postgresql://user:password@host:5432/name?sslmode=require) or keywords
/// (host=… dbname=…), both as libpq reads them. No message about it repeats a value: a password with an unescaped
/// character in it may stand anywhere.
/// </summary>
internal sealed class PostgresDsn
{
    private const int DefaultPort = 5432;
    private const int ConnectTimeoutSec = 5;

    /// <summary>A statement that takes longer is given up: the database counts as away.</summary>
    private const int StatementTimeoutSec = 15;

    /// <summary>What a statement may take on the average when there are several in one message.</summary>
    private const int GroupedTimeoutSec = 5;

    /// <summary>Debian's place for the socket, which libpq takes when no host is named.</summary>
    private const string SocketDirectory = "/var/run/postgresql";

    private static readonly string[] s_keywords =
    [
        "host", "port", "dbname", "user", "password", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout",
        "application_name", "options",
    ];

    private readonly NpgsqlConnectionStringBuilder _settings = new()
    {
        Port = DefaultPort,
        SslMode = SslMode.Prefer,
        Timeout = ConnectTimeoutSec,
        CommandTimeout = StatementTimeoutSec,
        ApplicationName = "poolhub",
        // One connection writes for as long as the hub runs; others are opened seldom.
        Pooling = false,
        MaxAutoPrepare = 32,
        AutoPrepareMinUsages = 2,
    };

    private PostgresDsn()
    {
    }

    /// <summary>What Npgsql takes; holds the password.</summary>
    public string ConnectionString => _settings.ConnectionString;

    /// <summary>How long an answer may take to that many statements: a slow database is not away.</summary>
    public static int TimeoutSec(int statements) => Math.Max(StatementTimeoutSec, statements * GroupedTimeoutSec);

    public string User => _settings.Username!;

    /// <summary>Host, port and database, for people.</summary>
    public override string ToString() => _settings.Host!.StartsWith('/')
        ? $"PostgreSQL {_settings.Host}, database {_settings.Database}"
        : string.Create(CultureInfo.InvariantCulture, $"PostgreSQL {_settings.Host}:{_settings.Port}, database {_settings.Database}");

    public static bool TryParse(string text, [NotNullWhen(true)] out PostgresDsn? dsn, [NotNullWhen(false)] out string? problem)
    {
        var read = new PostgresDsn();
        dsn = null;
        problem = After(text, "postgresql://") is { } url || (url = After(text, "postgres://")) is not null
            ? read.ReadUrl(url)
            : read.ReadKeywords(text);
        if (problem is not null)
        {
            return false;
        }
        read.Complete();
        dsn = read;
        return true;
    }

    private void Complete()
    {
        if (string.IsNullOrEmpty(_settings.Host))
        {
            _settings.Host = Directory.Exists(SocketDirectory) ? SocketDirectory : "localhost";
        }
        if (string.IsNullOrEmpty(_settings.Username))
        {
            _settings.Username = Environment.UserName;
        }
        if (string.IsNullOrEmpty(_settings.Database))
        {
            _settings.Database = _settings.Username;
        }
    }

    private string? ReadUrl(string url)
    {
        int query = url.IndexOf('?', StringComparison.Ordinal);
        string address = query < 0 ? url : url[..query];
        int slash = address.IndexOf('/', StringComparison.Ordinal);
        string authority = slash < 0 ? address : address[..slash];
        int at = authority.LastIndexOf('@');
        string place = authority[(at + 1)..];
        List<(string Name, string Part)> parts = [];
        if (at >= 0)
        {
            string[] who = authority[..at].Split(':', 2);
            parts.Add(("user", who[0]));
            if (who.Length > 1)
            {
                parts.Add(("password", who[1]));
            }
        }
        int portAt = place.LastIndexOf(':');
        if (portAt >= 0 && !place.EndsWith(']'))
        {
            parts.Add(("port", place[(portAt + 1)..]));
            place = place[..portAt];
        }
        parts.Add(("host", place.StartsWith('[') && place.EndsWith(']') ? place[1..^1] : place));
        if (slash >= 0)
        {
            parts.Add(("dbname", address[(slash + 1)..]));
        }
        foreach (string pair in query < 0 ? [] : url[(query + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] sides = pair.Split('=', 2);
            if (sides.Length < 2)
            {
                return "after the ? there must be NAME=value, with & between them";
            }
            parts.Add((sides[0], sides[1]));
        }
        foreach ((string name, string part) in parts)
        {
            if (!TryDecode(part, out string? value))
            {
                return $"its {Known(name)} holds a % that begins no percent-encoding; write %25 for a % itself";
            }
            if (value.Length > 0 && Set(name, value) is { } problem)
            {
                return problem + "; in a URL, the characters / ? # @ : % of a user or password are written %2F %3F %23 %40 %3A %25";
            }
        }
        return null;
    }

    private string? ReadKeywords(string text)
    {
        int i = 0;
        while (true)
        {
            while (i < text.Length && char.IsWhiteSpace(text[i]))
            {
                i++;
            }
            if (i == text.Length)
            {
                return null;
            }
            int equals = text.IndexOf('=', i);
            if (equals < 0)
            {
                return "must be postgresql://user:password@host:port/database, or keywords such as host=… dbname=… user=…";
            }
            string name = text[i..equals].Trim();
            i = equals + 1;
            while (i < text.Length && char.IsWhiteSpace(text[i]))
            {
                i++;
            }
            bool quoted = i < text.Length && text[i] == '\'';
            i += quoted ? 1 : 0;
            var value = new System.Text.StringBuilder();
            while (i < text.Length && (quoted ? text[i] != '\'' : !char.IsWhiteSpace(text[i])))
            {
                // A backslash takes the next character as it is.
                i += text[i] == '\\' && i + 1 < text.Length ? 1 : 0;
                _ = value.Append(text[i++]);
            }
            if (quoted && i++ == text.Length)
            {
                return $"the quote of its {Known(name)} is not closed";
            }
            if (Set(name, value.ToString()) is { } problem)
            {
                return problem;
            }
        }
    }

    /// <summary>What is wrong, or null.</summary>
    private string? Set(string name, string value)
    {
        switch (name)
        {
            case "host" when value.Contains(',', StringComparison.Ordinal):
                return "names several hosts; the hub takes one";
            case "host" or "hostaddr":
                _settings.Host = value;
                return null;
            case "port":
                return SetNumber(value, 1, 65_535, "port", number => _settings.Port = number);
            case "connect_timeout":
                return SetNumber(value, 1, 600, name, number => _settings.Timeout = number);
            case "dbname":
                _settings.Database = value;
                return null;
            case "user":
                _settings.Username = value;
                return null;
            case "password":
                _settings.Password = value;
                return null;
            case "passfile":
                _settings.Passfile = value;
                return null;
            case "application_name":
                _settings.ApplicationName = value;
                return null;
            case "options":
                _settings.Options = value;
                return null;
            case "sslrootcert":
                _settings.RootCertificate = value;
                return null;
            case "sslcert":
                _settings.SslCertificate = value;
                return null;
            case "sslkey":
                _settings.SslKey = value;
                return null;
            case "sslmode":
                SslMode? mode = value switch
                {
                    "disable" => SslMode.Disable,
                    "allow" => SslMode.Allow,
                    "prefer" => SslMode.Prefer,
                    "require" => SslMode.Require,
                    "verify-ca" => SslMode.VerifyCA,
                    "verify-full" => SslMode.VerifyFull,
                    _ => null,
                };
                _settings.SslMode = mode ?? SslMode.Prefer;
                return mode is null ? "its sslmode must be disable, allow, prefer, require, verify-ca or verify-full" : null;
            default:
                return $"holds a keyword that the hub does not know; it knows {string.Join(", ", s_keywords)}";
        }
    }

    private static string? SetNumber(string value, int min, int max, string name, Action<int> set)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number < min || number > max)
        {
            return $"its {name} must be a whole number from {min} to {max}";
        }
        set(number);
        return null;
    }

    /// <summary>The keyword, unless it is a piece of something else.</summary>
    private static string Known(string name) => s_keywords.Contains(name) ? name : "text";

    private static string? After(string text, string prefix) =>
        text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : null;

    private static bool TryDecode(string part, [NotNullWhen(true)] out string? value)
    {
        for (int i = part.IndexOf('%', StringComparison.Ordinal); i >= 0; i = part.IndexOf('%', i + 1))
        {
            if (i + 2 >= part.Length || !char.IsAsciiHexDigit(part[i + 1]) || !char.IsAsciiHexDigit(part[i + 2]))
            {
                value = null;
                return false;
            }
        }
        value = Uri.UnescapeDataString(part);
        return true;
    }
}

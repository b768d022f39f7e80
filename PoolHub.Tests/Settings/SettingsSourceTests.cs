using PoolHub.Daemon.Settings;

namespace PoolHub.Tests.Settings;

public sealed class SettingsSourceTests : IDisposable
{
    private const string Secret = "hunter2-hunter2-hunter2";

    private readonly SettingsFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void File_is_overridden_by_credentials_and_those_by_the_environment()
    {
        _files.WriteCredential("ADMIN_TOKEN", "from-credential\n");
        _files.WriteCredential("DB_DSN", "from-credential\n");
        _files.Environment["DB_DSN"] = "from-environment";
        SettingsSource source = _files.Load("COORDINATOR_SHARED_SECRET=from-file", "ADMIN_TOKEN=from-file", "DB_DSN=from-file");
        Assert.Empty(source.Problems);
        Assert.Equal("from-file", source.Find("COORDINATOR_SHARED_SECRET"));
        Assert.Equal("from-credential", source.Find("ADMIN_TOKEN"));
        Assert.Equal("from-environment", source.Find("DB_DSN"));
        Assert.Null(source.Find("LISTEN"));
    }

    [Theory]
    [InlineData("COORDINATOR_SHARED_SECRET")]
    [InlineData("ADMIN_TOKEN")]
    [InlineData("DB_DSN")]
    public void Secret_may_come_from_a_file_that_the_settings_name(string name)
    {
        string path = _files.Write("secret", $"  {Secret}\n");
        SettingsSource source = _files.Load($"{name}_FILE={path}");
        Assert.Empty(source.Problems);
        Assert.Equal(Secret, source.Find(name));
    }

    [Fact]
    public void Secret_of_the_environment_overrides_a_secret_file_of_the_settings_file()
    {
        _files.Environment["ADMIN_TOKEN"] = "from-environment";
        SettingsSource source = _files.Load($"ADMIN_TOKEN_FILE={_files.Write("secret", "from-secret-file")}");
        Assert.Empty(source.Problems);
        Assert.Equal("from-environment", source.Find("ADMIN_TOKEN"));
    }

    [Fact]
    public void Secret_file_of_the_environment_overrides_a_secret_of_the_settings_file()
    {
        _files.Environment["ADMIN_TOKEN_FILE"] = _files.Write("secret", "from-secret-file");
        Assert.Equal("from-secret-file", _files.Load("ADMIN_TOKEN=from-file").Find("ADMIN_TOKEN"));
    }

    [Fact]
    public void Secret_given_twice_in_one_source_is_refused_without_telling_it()
    {
        SettingsSource source = _files.Load($"ADMIN_TOKEN={Secret}", $"ADMIN_TOKEN_FILE={_files.Write("secret", "other")}");
        string problem = Assert.Single(source.Problems);
        Assert.Contains("ADMIN_TOKEN_FILE", problem, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Secret_file_that_is_missing_is_a_problem_and_leaves_no_weaker_secret()
    {
        _files.Environment["ADMIN_TOKEN_FILE"] = "/nonexistent/secret";
        SettingsSource source = _files.Load($"ADMIN_TOKEN={Secret}");
        Assert.Equal(["ADMIN_TOKEN_FILE: cannot read /nonexistent/secret"], source.Problems);
        Assert.Null(source.Find("ADMIN_TOKEN"));
    }

    [Fact]
    public void Secret_file_without_a_name_is_none()
    {
        SettingsSource source = _files.Load($"ADMIN_TOKEN={Secret}", "ADMIN_TOKEN_FILE=");
        Assert.Empty(source.Problems);
        Assert.Equal(Secret, source.Find("ADMIN_TOKEN"));
    }

    [Fact]
    public void Setting_that_is_no_secret_is_not_read_from_a_file()
    {
        SettingsSource source = _files.Load($"SESSION_TTL_SEC_FILE={_files.Write("ttl", "30")}");
        Assert.Null(source.Find("SESSION_TTL_SEC"));
    }

    [Theory]
    [InlineData("A=b", "b")]
    [InlineData("  A = b ", "b")]
    [InlineData("A=\"b c \"", "b c ")]
    [InlineData("A='b \"c\"'", "b \"c\"")]
    [InlineData("A=\"b", "\"b")]
    [InlineData("A=\"b'", "\"b'")]
    [InlineData("A=\"", "\"")]
    [InlineData("A=\"\"", "")]
    [InlineData("A=", "")]
    [InlineData("A=b=c", "b=c")]
    [InlineData("A=b # not a comment", "b # not a comment")]
    public void Line_gives_its_value(string line, string value)
    {
        SettingsSource source = _files.Load(line);
        Assert.Empty(source.Problems);
        Assert.Equal(value, source.Find("A"));
    }

    [Fact]
    public void Comments_and_empty_lines_are_passed_over()
    {
        SettingsSource source = _files.Load("# A=1", "; A=2", "", "   ", "  # A=3", "A=4");
        Assert.Empty(source.Problems);
        Assert.Equal("4", source.Find("A"));
        Assert.Equal(6, source.FileLines["A"]);
    }

    [Theory]
    [InlineData(Secret)]
    [InlineData("=" + Secret)]
    [InlineData("export ADMIN_TOKEN=" + Secret)]
    [InlineData("admin_token=" + Secret)]
    [InlineData("ADMIN-TOKEN=" + Secret)]
    public void Bad_line_is_named_by_its_number_and_never_repeated(string line)
    {
        SettingsSource source = _files.Load("A=1", "", line, "B=2");
        Assert.Equal([$"{_files.SettingsPath}:3: not of the form NAME=value"], source.Problems);
        Assert.Equal("2", source.Find("B"));
    }

    [Fact]
    public void Name_given_twice_is_a_problem_that_names_both_lines()
    {
        SettingsSource source = _files.Load("ADMIN_TOKEN=" + Secret, "B=1", "ADMIN_TOKEN=" + Secret);
        Assert.Equal([$"{_files.SettingsPath}:3: ADMIN_TOKEN was set in line 1 already"], source.Problems);
    }

    [Fact]
    public void Path_that_was_asked_for_must_exist()
    {
        string missing = _files.SettingsPath + ".missing";
        Assert.Equal([$"{missing}: no such file"], SettingsSource.Load(missing, _files.Environment).Problems);
    }

    [Fact]
    public void Path_of_the_environment_may_be_missing()
    {
        _files.Environment["POOLHUB_CONFIG"] = _files.SettingsPath + ".missing";
        _files.Environment["A"] = "1";
        SettingsSource source = SettingsSource.Load(null, _files.Environment);
        Assert.Empty(source.Problems);
        Assert.Equal("1", source.Find("A"));
    }

    [Fact]
    public void Path_of_the_environment_is_read()
    {
        _files.Environment["POOLHUB_CONFIG"] = _files.Write("other.env", "A=1");
        Assert.Equal("1", SettingsSource.Load(null, _files.Environment).Find("A"));
    }
}

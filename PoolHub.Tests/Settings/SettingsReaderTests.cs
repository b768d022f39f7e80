using PoolHub.Daemon.Access;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Settings;

namespace PoolHub.Tests.Settings;

public sealed class SettingsReaderTests : IDisposable
{
    private readonly SettingsFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("1", 1)]
    [InlineData("10", 10)]
    [InlineData("", 5)]
    public void Int32_within_its_range_is_read(string text, int value)
    {
        SettingsReader reader = Read($"N={text}");
        Assert.Equal(value, reader.Int32("N", 5, 1, 10));
        Assert.Empty(reader.Problems);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("11")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("1e1")]
    [InlineData("99999999999")]
    [InlineData("many")]
    public void Int32_out_of_its_range_is_a_problem_that_names_the_range(string text)
    {
        SettingsReader reader = Read($"N={text}");
        Assert.Equal(5, reader.Int32("N", 5, 1, 10));
        Assert.Equal([$"N: must be a whole number from 1 to 10, not '{text}'"], reader.Problems);
    }

    [Fact]
    public void Choice_is_taken_in_any_case()
    {
        SettingsReader reader = Read("A=OPEN", "B=ajar");
        Assert.Equal("open", reader.Choice("A", "closed", "open", "closed"));
        Assert.Equal("closed", reader.Choice("B", "closed", "open", "closed"));
        Assert.Equal("closed", reader.Choice("C", "closed", "open", "closed"));
        Assert.Equal(["B: must be one of open, closed, not 'ajar'"], reader.Problems);
    }

    [Fact]
    public void List_leaves_out_what_is_empty()
    {
        SettingsReader reader = Read("A= a, ,b,", "B=");
        Assert.Equal(["a", "b"], reader.List("A"));
        Assert.Empty(reader.List("B"));
        Assert.Empty(reader.List("C"));
    }

    [Fact]
    public void Text_that_is_empty_is_absent()
    {
        SettingsReader reader = Read("A=");
        Assert.Null(reader.Text("A"));
        Assert.Equal("b", reader.Text("A", "b"));
    }

    [Fact]
    public void Problems_of_the_source_come_first()
    {
        SettingsReader reader = Read("nonsense", "N=x");
        reader.Int32("N", 1, 1, 2);
        Assert.Equal(2, reader.Problems.Count);
        Assert.EndsWith(":1: not of the form NAME=value", reader.Problems[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SESSION_TTL_SECS", "; did you mean SESSION_TTL_SEC?")]
    [InlineData("SESION_TTL_SEC", "; did you mean SESSION_TTL_SEC?")]
    [InlineData("HEARTBEAT_GRACE", "")]
    [InlineData("SOMETHING_ELSE", "")]
    public void Unknown_name_is_told_with_what_it_may_have_meant(string name, string hint)
    {
        SettingsReader reader = Read("SESSION_TTL_SEC=60", $"{name}=secret-value");
        RegistryOptions.Read(reader);
        reader.RefuseUnknown();
        Assert.Equal([$"{name}: unknown setting in line 2{hint}"], reader.Problems);
    }

    [Fact]
    public void Unknown_names_of_the_environment_are_not_the_hubs()
    {
        _files.Environment["HOME"] = "/root";
        SettingsReader reader = Read();
        reader.RefuseUnknown();
        Assert.Empty(reader.Problems);
    }

    [Fact]
    public void File_form_is_known_for_secrets_alone()
    {
        string path = _files.Write("secret", "0123456789abcdef");
        SettingsReader reader = Read($"ADMIN_TOKEN_FILE={path}", $"SESSION_TTL_SEC_FILE={path}");
        AccessOptions.Read(reader);
        RegistryOptions.Read(reader);
        reader.RefuseUnknown();
        Assert.StartsWith("SESSION_TTL_SEC_FILE: unknown setting in line 2", Assert.Single(reader.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Grace_must_outlast_the_lease()
    {
        SettingsReader reader = Read("SESSION_TTL_SEC=60", "HEARTBEAT_GRACE_SEC=60");
        RegistryOptions.Read(reader);
        Assert.Equal(["HEARTBEAT_GRACE_SEC: must be greater than SESSION_TTL_SEC (60)"], reader.Problems);
    }

    [Fact]
    public void Nothing_set_gives_the_registrys_defaults() => Assert.Equal(new RegistryOptions(), RegistryOptions.Read(Read()));

    private SettingsReader Read(params string[] lines) => new(_files.Load(lines));
}

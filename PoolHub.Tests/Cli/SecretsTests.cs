using PoolHub.Cli.Shell;

namespace PoolHub.Tests.Cli;

public sealed class SecretsTests : IDisposable
{
    private readonly string _default = Directory.CreateTempSubdirectory("poolhub-test-").FullName;
    private readonly string _stateDir = Directory.CreateTempSubdirectory("poolhub-test-").FullName;
    private readonly Dictionary<string, string> _environment = [];

    public void Dispose()
    {
        Directory.Delete(_default, recursive: true);
        Directory.Delete(_stateDir, recursive: true);
    }

    [Fact]
    public void Secret_is_looked_for_from_the_nearest_to_the_farthest()
    {
        Assert.Throws<CliException>(() => Find());

        File.WriteAllText(Path.Combine(_default, "coordinator-secret"), "of the default directory\n");
        Assert.Equal("of the default directory", Find());

        _environment["POOLHUB_STATE_DIR"] = _stateDir;
        Assert.Equal("of the default directory", Find());
        File.WriteAllText(Path.Combine(_stateDir, "coordinator-secret"), "of the state directory");
        Assert.Equal("of the state directory", Find());

        _environment["COORDINATOR_SHARED_SECRET"] = "of the environment";
        Assert.Equal("of the environment", Find());

        // The hub's own form: a list, and names.
        _environment["COORDINATOR_SHARED_SECRET"] = "alice: of alice, bob:of bob";
        Assert.Equal("of alice", Find());

        string file = Path.Combine(_stateDir, "a-file");
        File.WriteAllText(file, "  of the named file  ");
        Assert.Equal("of the named file", Find(file: file));
        Assert.Equal("given", Find(given: "given", file: file));
    }

    [Fact]
    public void Token_has_a_name_of_its_own()
    {
        _environment["COORDINATOR_SHARED_SECRET"] = "secret";
        Assert.Null(Secrets().AdminTokenIfAny(null, null));
        File.WriteAllText(Path.Combine(_default, "admin-token"), "token");
        Assert.Equal("token", Secrets().AdminTokenIfAny(null, null));
        _environment["ADMIN_TOKEN"] = "token of the environment";
        Assert.Equal("token of the environment", Secrets().AdminToken(null, null));
    }

    [Fact]
    public void Secret_that_is_nowhere_says_where_it_was_looked_for()
    {
        CliException e = Assert.Throws<CliException>(() => Find());
        Assert.Equal(ExitCode.Failed, e.ExitCode);
        Assert.Contains("COORDINATOR_SHARED_SECRET", e.Message, StringComparison.Ordinal);
        Assert.Contains("--secret-file", e.Message, StringComparison.Ordinal);
        Assert.Contains(_default, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_that_was_named_must_be_there_and_not_empty()
    {
        Assert.Throws<CliException>(() => Find(file: Path.Combine(_stateDir, "none")));
        Assert.Throws<CliException>(() => Secrets().AdminTokenIfAny(null, Path.Combine(_stateDir, "none")));
        string empty = Path.Combine(_stateDir, "empty");
        File.WriteAllText(empty, "\n");
        Assert.Contains("empty", Assert.Throws<CliException>(() => Find(file: empty)).Message, StringComparison.Ordinal);
    }

    private string Find(string? given = null, string? file = null) => Secrets().CoordinatorSecret(given, file);

    private Secrets Secrets() => new(_environment.GetValueOrDefault, _default);
}

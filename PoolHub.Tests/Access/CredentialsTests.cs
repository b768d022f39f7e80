using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Settings;
using PoolHub.Tests.Settings;
using static PoolHub.Tests.Access.AccessHouse;

namespace PoolHub.Tests.Access;

public sealed class CredentialsTests : IDisposable
{
    private readonly string _stateDir = Path.Combine(Directory.CreateTempSubdirectory("poolhub-secrets-").FullName, "state");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_stateDir)!, recursive: true);

    [Theory]
    [InlineData("Authorization", "Bearer first-coordinator", 1)]
    [InlineData("Authorization", "bearer second-coordinator", 1)]
    [InlineData("Authorization", "Bearer   first-admin  ", 2)]
    [InlineData("X-PoolHub-Secret", "second-coordinator", 1)]
    [InlineData("X-PoolHub-Secret", "second-admin", 2)]
    [InlineData("Authorization", "Bearer third-coordinator", 0)]
    [InlineData("Authorization", "Bearer FIRST-COORDINATOR", 0)]
    [InlineData("Authorization", "Bearer first-coordinator,second-coordinator", 0)]
    [InlineData("Authorization", "Bearer ", 0)]
    [InlineData("Authorization", "first-coordinator", 0)]
    [InlineData("Authorization", "Basic first-coordinator", 0)]
    [InlineData("X-PoolHub-Secret", "", 0)]
    [InlineData("X-PoolHub-Secret", "Bearer first-admin", 0)]
    public void Caller_is_known_by_any_of_the_secrets(string header, string value, int caller)
    {
        var credentials = new Credentials(
            Options(["first-coordinator", "second-coordinator"], ["first-admin", "second-admin"]), _stateDir, NewCoordinators(), NewGuard());
        Assert.Equal((Caller)caller, credentials.Identify(Request(header, value).Request).Caller);
    }

    [Fact]
    public void Caller_without_a_secret_or_with_two_is_nobody()
    {
        var credentials = new Credentials(Options([CoordinatorSecret], [AdminToken]), _stateDir, NewCoordinators(), NewGuard());
        Assert.Equal(Caller.Nobody, credentials.Identify(Request().Request).Caller);
        Assert.Equal(Caller.Nobody, credentials.Identify(Request("X-PoolHub-Secret", AdminToken, AdminToken).Request).Caller);
        Assert.Equal(Caller.Nobody, credentials.Identify(Request("X-PoolHub-Secret", new string('x', 100_000)).Request).Caller);
    }

    [Theory]
    [InlineData(AdminToken, 2, 0)]
    [InlineData(CoordinatorSecret, 1, 0)]
    [InlineData(CoordinatorSecret, 2, 403)]
    [InlineData(AdminToken, 1, 403)]
    [InlineData("something-else", 2, 401)]
    [InlineData("something-else", 1, 401)]
    public async Task Require_answers_who_is_not_wanted(string secret, int wanted, int status)
    {
        var credentials = new Credentials(Options([CoordinatorSecret], [AdminToken]), _stateDir, NewCoordinators(), NewGuard());
        DefaultHttpContext http = Request("X-PoolHub-Secret", secret);
        Assert.Equal(status == 0, await credentials.RequireAsync(http, (Caller)wanted));
        if (status == 0)
        {
            Assert.Equal(0, http.Response.Body.Length);
            return;
        }
        Assert.Equal(status, http.Response.StatusCode);
        Assert.Equal("application/problem+json", http.Response.ContentType);
        Assert.Equal(status == 401 ? "Bearer" : "", http.Response.Headers.WWWAuthenticate.ToString());
        Assert.NotEqual(0, http.Response.Body.Length);
    }

    [Fact]
    public void Reload_takes_new_secrets_over_and_forgets_the_old()
    {
        var credentials = new Credentials(Options(["the-old-secret"], [AdminToken]), _stateDir, NewCoordinators(), NewGuard());
        credentials.Reload(Options(["the-new-secret"], [AdminToken]), _stateDir);
        Assert.Equal(Caller.Nobody, credentials.Identify(Request("X-PoolHub-Secret", "the-old-secret").Request).Caller);
        Assert.Equal(Caller.Coordinator, credentials.Identify(Request("X-PoolHub-Secret", "the-new-secret").Request).Caller);
        Assert.Equal(Caller.Admin, credentials.Identify(Request("X-PoolHub-Secret", AdminToken).Request).Caller);
    }

    [Theory]
    [InlineData("alice:secret-of-alice-1", "secret-of-alice-1", "alice")]
    [InlineData("0_-z:secret-of-alice-1", "secret-of-alice-1", "0_-z")]
    [InlineData("secret-of-nobody", "secret-of-nobody", "default")]
    [InlineData(":secret-with-a-colon", ":secret-with-a-colon", "default")]
    [InlineData("Alice:secret-with-a-colon", "Alice:secret-with-a-colon", "default")]
    [InlineData("a.b:secret-with-a-colon", "a.b:secret-with-a-colon", "default")]
    [InlineData("a-name-of-more-than-32-characters:secret", "a-name-of-more-than-32-characters:secret", "default")]
    [InlineData("default:alice:secret-of-alice", "alice:secret-of-alice", "default")]
    public void Secret_has_the_name_before_its_colon(string setting, string secret, string name)
    {
        var credentials = new Credentials(Options([setting], [setting.Replace("secret", "token", StringComparison.Ordinal)]), _stateDir, NewCoordinators(), NewGuard());
        Identity coordinator = credentials.Identify(Request("X-PoolHub-Secret", secret).Request);
        Assert.Equal((Caller.Coordinator, name, name), (coordinator.Caller, coordinator.Name, coordinator.Coordinator?.Name));
        Identity admin = credentials.Identify(Request("X-PoolHub-Secret", secret.Replace("secret", "token", StringComparison.Ordinal)).Request);
        Assert.Equal((Caller.Admin, name, null), (admin.Caller, admin.Name, admin.Coordinator));
    }

    [Fact]
    public async Task Caller_that_repeats_its_header_on_a_connection_costs_no_memory()
    {
        Credentials credentials = new(Options([CoordinatorSecret], [AdminToken]), _stateDir, NewCoordinators(), NewGuard());
        DefaultHttpContext http = Request("Authorization", $"Bearer {CoordinatorSecret}");
        http.Features.Set<IConnectionItemsFeature>(new ConnectionItems());
        Identity first = credentials.Identify(http.Request);
        Assert.Same(first, credentials.Identify(http.Request));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
        {
            Assert.NotNull((await credentials.AuthenticateAsync(http, Caller.Coordinator))?.Coordinator);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData("alice:fifteen-letters", "each secret must have at least 16 characters")]
    [InlineData("alice:the-same-secret-1,bob:the-same-secret-1", "alice and bob have the same secret")]
    public void Names_with_a_secret_that_will_not_do_are_refused(string value, string problem)
    {
        using var files = new SettingsFiles();
        var reader = new SettingsReader(files.Load($"COORDINATOR_SHARED_SECRET={value}"));
        AccessOptions.Read(reader);
        Assert.Equal([$"COORDINATOR_SHARED_SECRET: {problem}"], reader.Problems);
    }

    [Theory]
    [InlineData(64, 0)]
    [InlineData(65, 1)]
    public void Coordinators_are_so_few_that_each_can_be_a_label(int count, int problems)
    {
        using var files = new SettingsFiles();
        string list = string.Join(',', Enumerable.Range(0, count).SelectMany(i => (string[])[$"c{i}:the-old-secret-of-{i}", $"c{i}:the-new-secret-of-{i}"]));
        var reader = new SettingsReader(files.Load($"COORDINATOR_SHARED_SECRET={list}"));
        AccessOptions.Read(reader);
        Assert.Equal(problems, reader.Problems.Count);
    }

    [Fact]
    public void Secrets_that_are_not_given_are_made_and_kept_for_the_user_alone()
    {
        var none = Options([], []);
        _ = new Credentials(none, _stateDir, NewCoordinators(), NewGuard());
        string coordinator = ReadSecret(SecretFile.CoordinatorSecret);
        string admin = ReadSecret(SecretFile.AdminToken);
        Assert.NotEqual(coordinator, admin);
        Assert.InRange(coordinator.Length, 43, 64);

        var again = new Credentials(none, _stateDir, NewCoordinators(), NewGuard());
        Assert.Equal(Caller.Coordinator, again.Identify(Request("X-PoolHub-Secret", coordinator).Request).Caller);
        Assert.Equal(Caller.Admin, again.Identify(Request("Authorization", $"Bearer {admin}").Request).Caller);
        Assert.Equal(coordinator, ReadSecret(SecretFile.CoordinatorSecret));
        Assert.Equal(2, Directory.GetFiles(_stateDir).Length);
    }

    [Fact]
    public void Secret_file_that_is_empty_is_made_anew()
    {
        Directory.CreateDirectory(_stateDir);
        File.WriteAllText(Path.Combine(_stateDir, SecretFile.SessionKey), "\n");
        string secret = SecretFile.ReadOrCreate(_stateDir, SecretFile.SessionKey, out string path);
        Assert.NotEmpty(secret);
        Assert.Equal(secret, ReadSecret(SecretFile.SessionKey));
        Assert.Equal(Path.Combine(_stateDir, SecretFile.SessionKey), path);
    }

    [Theory]
    [InlineData("ADMIN_TOKEN", "fifteen-letters")]
    [InlineData("ADMIN_TOKEN", "long-enough-for-all,short")]
    [InlineData("COORDINATOR_SHARED_SECRET", "fifteen-letters")]
    public void Secret_that_is_too_short_is_refused_without_telling_it(string name, string value)
    {
        using var files = new SettingsFiles();
        var reader = new SettingsReader(files.Load($"{name}={value}"));
        AccessOptions.Read(reader);
        Assert.Equal([$"{name}: each secret must have at least 16 characters"], reader.Problems);
    }

    [Fact]
    public void Options_read_several_secrets_and_who_may_enrol()
    {
        using var files = new SettingsFiles();
        var reader = new SettingsReader(files.Load("ENROLLMENT=open", "ADMIN_TOKEN=sixteen-letters!, another-long-token"));
        AccessOptions options = AccessOptions.Read(reader);
        Assert.Empty(reader.Problems);
        Assert.True(options.OpenEnrollment);
        Assert.Equal(["sixteen-letters!", "another-long-token"], options.AdminTokens.Select(s => s.Secret));
        Assert.Empty(options.CoordinatorSecrets);
        Assert.False(AccessOptions.Read(new SettingsReader(files.Load())).OpenEnrollment);
    }

    private sealed class ConnectionItems : IConnectionItemsFeature
    {
        public IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();
    }

    private string ReadSecret(string name)
    {
        string path = Path.Combine(_stateDir, name);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        return File.ReadAllText(path).Trim();
    }
}

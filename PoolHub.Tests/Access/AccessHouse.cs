using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using Prometheus;

namespace PoolHub.Tests.Access;

/// <summary>A state directory with a real store, and a clock that the test moves.</summary>
internal sealed class AccessHouse : IAsyncDisposable
{
    public const string AdminToken = "an-admins-own-token";
    public const string CoordinatorSecret = "a-coordinators-secret";

    public AccessHouse()
    {
        Store = OpenStore();
        Ring = new KeyRing(Store, Time);
    }

    public string StateDir { get; } = Directory.CreateTempSubdirectory("poolhub-access-").FullName;
    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2025, 6, 2, 12, 0, 0, TimeSpan.Zero));
    public SqliteHubStore Store { get; private set; }
    public KeyRing Ring { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        Directory.Delete(StateDir, recursive: true);
    }

    public async Task RestartAsync()
    {
        await Store.DisposeAsync();
        Store = OpenStore();
        Ring = new KeyRing(Store, Time);
        Ring.Load(await Store.LoadAsync(TestContext.Current.CancellationToken));
    }

    public Credentials NewCredentials() => new(Options([CoordinatorSecret], [AdminToken]), StateDir, NewCoordinators(), NewGuard());

    public static LoginGuard NewGuard() => new(new LoginOptions(), TimeProvider.System, NullLogger<LoginGuard>.Instance);

    public static Coordinators NewCoordinators(TimeProvider? time = null, IMetricFactory? metrics = null) =>
        new(new byte[32], metrics ?? Metrics.WithCustomRegistry(Metrics.NewCustomRegistry()), time ?? TimeProvider.System);

    /// <param name="coordinators">As the settings have them, with a name or without.</param>
    public static AccessOptions Options(string[] coordinators, string[] admins) =>
        new(false, Array.ConvertAll(coordinators, NamedSecret.Parse), Array.ConvertAll(admins, NamedSecret.Parse));

    /// <summary>A request with a header, and a response whose body can be read.</summary>
    public static DefaultHttpContext Request(string? header = null, params string[] values)
    {
        var http = new DefaultHttpContext();
        http.Response.Body = new MemoryStream();
        if (header is not null)
        {
            http.Request.Headers[header] = values;
        }
        return http;
    }

    private SqliteHubStore OpenStore() => SqliteHubStore.Open(StateDir, Time, NullLogger<SqliteHubStore>.Instance);
}

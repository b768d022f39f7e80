using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Access;

/// <summary>The endpoints as they are mapped, without a server.</summary>
public sealed class KeyEndpointsTests : IAsyncDisposable
{
    private const string List = "GET /v1/keys";
    private const string Issue = "POST /v1/miners/{id}/key";
    private const string Rotate = "POST /v1/miners/{id}/key/rotate";
    private const string Revoke = "DELETE /v1/miners/{id}/key";

    private readonly AccessHouse _house = new();
    private readonly List<string> _revoked = [];
    private readonly Dictionary<string, RequestDelegate> _calls;

    public KeyEndpointsTests()
    {
        WebApplication app = WebApplication.CreateSlimBuilder().Build();
        var audit = new AuditLog(_house.Store, _house.Time, NullLogger<AuditLog>.Instance);
        new KeyEndpoints(_house.Ring, _house.NewCredentials(), audit, _house.Time, Revoked).Map(app);
        _calls = ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().ToDictionary(
            endpoint => $"{endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0]} {endpoint.RoutePattern.RawText}",
            endpoint => endpoint.RequestDelegate!);
    }

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Fact]
    public async Task Key_is_issued_once_then_rotated_then_revoked()
    {
        string first = (await AnswerAsync(Issue, "m", HubJson.Default.KeyResponse)).ApiKey;
        Assert.Equal(409, await StatusAsync(Issue, "m"));
        string second = (await AnswerAsync(Rotate, "m", HubJson.Default.KeyResponse, "?grace_sec=60")).ApiKey;
        Assert.True(_house.Ring.Verify("m", first));
        Assert.True(_house.Ring.Verify("m", second));
        RevokeResponse answer = await AnswerAsync(Revoke, "m", HubJson.Default.RevokeResponse);
        Assert.Equal(("m", 2), (answer.MinerId, answer.Revoked));
        Assert.Equal(["m"], _revoked);
        Assert.False(_house.Ring.Verify("m", second));
    }

    [Fact]
    public async Task Rotation_keeps_the_key_before_for_a_day_unless_told_otherwise()
    {
        string first = (await AnswerAsync(Issue, "m", HubJson.Default.KeyResponse)).ApiKey;
        Assert.Equal(200, await StatusAsync(Rotate, "m"));
        _house.Time.Advance(TimeSpan.FromSeconds(86_399));
        Assert.True(_house.Ring.Verify("m", first));
        _house.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(_house.Ring.Verify("m", first));
    }

    [Theory]
    [InlineData("?grace_sec=0", 200)]
    [InlineData("?grace_sec=2592000", 200)]
    [InlineData("?grace_sec=2592001", 400)]
    [InlineData("?grace_sec=-1", 400)]
    [InlineData("?grace_sec=", 400)]
    [InlineData("?grace_sec=1.5", 400)]
    [InlineData("?grace_sec=1&grace_sec=2", 400)]
    public async Task Rotation_takes_a_grace_of_up_to_thirty_days(string query, int status)
    {
        await StatusAsync(Issue, "m");
        Assert.Equal(status, await StatusAsync(Rotate, "m", query));
    }

    [Theory]
    [InlineData(Rotate)]
    [InlineData(Revoke)]
    public async Task Miner_unheard_of_is_not_found(string call)
    {
        Assert.Equal(404, await StatusAsync(call, "nobody"));
        Assert.Empty(_revoked);
    }

    [Theory]
    [InlineData(Issue)]
    [InlineData(Rotate)]
    [InlineData(Revoke)]
    public async Task Id_that_is_none_is_refused(string call)
    {
        Assert.Equal(400, await StatusAsync(call, "has space"));
        Assert.Equal(400, await StatusAsync(call, new string('x', 65)));
        Assert.Equal(400, await StatusAsync(call, ""));
    }

    [Theory]
    [InlineData(Issue)]
    [InlineData(Rotate)]
    [InlineData(Revoke)]
    public async Task Caller_must_be_an_admin(string call)
    {
        Assert.Equal(401, await StatusAsync(call, "m", secret: "wrong"));
        Assert.Equal(403, await StatusAsync(call, "m", secret: AccessHouse.CoordinatorSecret));
        Assert.False(_house.Ring.Knows("m"));
    }

    [Fact]
    public async Task List_says_of_every_miner_how_its_key_stands_and_never_the_key()
    {
        DateTimeOffset begin = _house.Time.GetUtcNow();
        foreach (string id in (string[])["c", "a", "b", "d"])
        {
            await StatusAsync(Issue, id);
        }
        _house.Ring.Use("a");
        _house.Time.Advance(TimeSpan.FromMinutes(1));
        await StatusAsync(Rotate, "b", "?grace_sec=60");
        await StatusAsync(Rotate, "c", "?grace_sec=0");
        await StatusAsync(Revoke, "d");
        DateTimeOffset later = begin.AddMinutes(1);
        KeyPage page = await AnswerAsync(List, "", HubJson.Default.KeyPage);
        Assert.Equal(
            [
                new KeyView { MinerId = "a", Valid = true, IssuedAt = begin, LastUsedAt = begin },
                new KeyView { MinerId = "b", Valid = true, IssuedAt = begin, RotatedAt = later, OldKeyUntil = later.AddMinutes(1) },
                new KeyView { MinerId = "c", Valid = true, IssuedAt = begin, RotatedAt = later },
                new KeyView { MinerId = "d", Valid = false, IssuedAt = begin, RevokedAt = later },
            ],
            page.Keys);
        Assert.Null(page.NextCursor);
        _house.Time.Advance(TimeSpan.FromMinutes(1));
        await StatusAsync(Revoke, "d");
        await StatusAsync(Issue, "d");
        KeyPage last = await AnswerAsync(List, "", HubJson.Default.KeyPage, "?cursor=a&limit=1");
        Assert.Equal(("b", null), (Assert.Single(last.Keys).MinerId, last.Keys[0].OldKeyUntil));
        last = await AnswerAsync(List, "", HubJson.Default.KeyPage, $"?cursor={last.NextCursor}&limit=2");
        Assert.Equal(("c", "d", null), (last.Keys[0].MinerId, last.Keys[1].MinerId, last.NextCursor));
        Assert.Equal((true, begin.AddMinutes(2), null), (last.Keys[1].Valid, last.Keys[1].IssuedAt, last.Keys[1].RevokedAt));
        Assert.Equal(400, await StatusAsync(List, "", "?limit=501"));
        Assert.Equal(400, await StatusAsync(List, "", "?cursor=a%20b"));
        Assert.Equal(401, await StatusAsync(List, "", secret: "wrong"));
    }

    [Fact]
    public async Task Miner_that_is_revoked_again_was_revoked_when_it_first_was()
    {
        await StatusAsync(Issue, "m");
        await StatusAsync(Revoke, "m");
        DateTimeOffset at = _house.Time.GetUtcNow();
        _house.Time.Advance(TimeSpan.FromHours(1));
        await StatusAsync(Revoke, "m");
        await _house.RestartAsync();
        Assert.Equal(at, Assert.Single(_house.Ring.After(null)).Value.RevokedAt);
    }

    [Fact]
    public async Task Store_that_is_away_ends_nobodys_session()
    {
        await StatusAsync(Issue, "m");
        await _house.Store.DisposeAsync();
        foreach ((string call, string id) in new[] { (Issue, "new"), (Rotate, "m"), (Revoke, "m") })
        {
            _ = await Assert.ThrowsAnyAsync<StoreUnavailableException>(() => CallAsync(call, id));
        }
        Assert.Empty(_revoked);
    }

    private ValueTask Revoked(string minerId)
    {
        _revoked.Add(minerId);
        return ValueTask.CompletedTask;
    }

    private async Task<int> StatusAsync(string call, string id, string query = "", string secret = AccessHouse.AdminToken) =>
        (await CallAsync(call, id, query, secret)).Response.StatusCode;

    private async Task<T> AnswerAsync<T>(
        string call, string id, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string query = "")
    {
        DefaultHttpContext http = await CallAsync(call, id, query);
        Assert.Equal(200, http.Response.StatusCode);
        http.Response.Body.Position = 0;
        return (await JsonSerializer.DeserializeAsync(http.Response.Body, type, TestContext.Current.CancellationToken))!;
    }

    private async Task<DefaultHttpContext> CallAsync(string call, string id, string query = "", string secret = AccessHouse.AdminToken)
    {
        DefaultHttpContext http = AccessHouse.Request("Authorization", $"Bearer {secret}");
        http.Request.RouteValues["id"] = id;
        http.Request.QueryString = new QueryString(query);
        await _calls[call](http);
        return http;
    }
}

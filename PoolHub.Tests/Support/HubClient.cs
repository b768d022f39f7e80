using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Support;

/// <summary>Calls a hub over HTTP, with a secret or without.</summary>
internal sealed class HubClient(HttpClient http, string? secret) : IDisposable
{
    public HubClient(Uri address)
        : this(new HttpClient { BaseAddress = address, Timeout = TestHub.Patience }, secret: null)
    {
    }

    public HubClient(HubClient other, string? secret)
        : this(other.Client, secret)
    {
    }

    private HttpClient Client => http;

    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, null, headers);

    public Task<Answer> PostAsync(string path, string? json = null, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, json, headers);

    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            // A body that is too long is refused before it is sent.
            request.Headers.ExpectContinue = body.Length > 200_000;
        }
        if (secret is not null)
        {
            request.Headers.Add("Authorization", $"Bearer {secret}");
        }
        foreach ((string name, string value) in headers)
        {
            request.Headers.Add(name, value);
        }
        using HttpResponseMessage response = await http.SendAsync(request).WaitAsync(TestHub.Patience);
        return new Answer(
            response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Content.Headers.ContentType?.MediaType,
            response.Headers.RetryAfter?.Delta);
    }

    public void Dispose() => http.Dispose();
}

internal sealed record Answer(HttpStatusCode Status, string Body, string? ContentType, TimeSpan? RetryAfter)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public Answer Expect(int status)
    {
        Assert.True((int)Status == status, $"{(int)Status}, not {status}: {Body}");
        if (status >= 400)
        {
            Assert.Equal("application/problem+json", ContentType);
            Assert.Equal(status, Read(HubJson.Default.Problem).Status);
        }
        return this;
    }

    /// <summary>A 400 that names this field.</summary>
    public void ExpectField(string field) => Assert.Equal(field, Expect(400).Read(HubJson.Default.Problem).Field);

    public string Text(string name) => Json.GetProperty(name).GetString()!;

    public bool Has(string name) => Json.TryGetProperty(name, out _);

    public T Read<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Body, type)!;
}

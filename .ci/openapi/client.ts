// A client as a user of the API would write it: it must type-check against the types that
// openapi-typescript generates from the document.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

const client = createClient<paths>({ baseUrl: "https://accounts.example.org" });

export async function signIn(username: string, password: string): Promise<string> {
  const { data, error } = await client.POST("/auth/signin", { body: { username, password } });
  if (data === undefined) {
    const problem: components["schemas"]["Problem"] = error;
    throw new Error(problem.detail);
  }
  return data.accessToken;
}

export async function lastEvents(token: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${token}` };
  const { data } = await client.GET("/user/history", { headers, params: { query: { limit: 10 } } });
  return (data?.history ?? []).map((entry) => `${entry.at} ${entry.event}`);
}

export async function endSession(token: string, id: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` };
  const { response } = await client.DELETE("/user/sessions/{id}", { headers, params: { path: { id } } });
  return response.ok;
}
